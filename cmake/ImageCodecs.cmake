# Which image formats are read besides PNG and BMP: those whose library is here. What is left out is said once, and reading
# such an image is an error that names the library. Sets for ziplora/io: image_codec_sources, image_codec_libraries, and
# image_codec_definitions, ZIPLORA_DECODE_<CODEC>=<its decoder, or nullptr>. A portable program (SystemLibraries.cmake)
# has those whose library it can contain, in portable_codec_definitions: not TIFF, since libtiff.a needs JBIG-KIT, nor
# HEIC and AVIF, since libheif needs x265. Both are under the GPL.
option(ZIPLORA_IMAGE_CODECS "Read JPEG, WebP, GIF, TIFF and HEIC/AVIF, each if its library is found" ON)

set(image_codec_sources)
set(image_codec_libraries)
set(image_codec_definitions)
set(portable_codec_definitions)
set(left_out)

# ziplora_image_codec(CODEC FOUND TARGET ARCHIVES…)  the codec's library is TARGET if FOUND is true; without archives no
# portable program has the codec
function(ziplora_image_codec codec found library)
  string(TOUPPER ${codec} name)
  if(found)
    ziplora_system_library(${codec} SHARED ${library} ARCHIVES ${ARGN})
    list(APPEND image_codec_sources image_${codec}.cpp)
    list(APPEND image_codec_libraries ziplora_system_${codec})
    list(APPEND image_codec_definitions ZIPLORA_DECODE_${name}=decode_${codec})
  else()
    list(APPEND image_codec_definitions ZIPLORA_DECODE_${name}=nullptr)
    list(APPEND left_out ${codec})
  endif()
  if(found AND ARGN)
    list(APPEND portable_codec_definitions ZIPLORA_DECODE_${name}=decode_${codec})
  else()
    list(APPEND portable_codec_definitions ZIPLORA_DECODE_${name}=nullptr)
  endif()
  return(PROPAGATE image_codec_sources image_codec_libraries image_codec_definitions portable_codec_definitions left_out)
endfunction()

if(ZIPLORA_IMAGE_CODECS)
  ziplora_image_codec(jpeg "${JPEG_FOUND}" JPEG::JPEG jpeg)
  ziplora_image_codec(tiff "${TIFF_FOUND}" TIFF::TIFF)
  ziplora_image_codec(gif "${GIF_FOUND}" GIF::GIF gif)
  ziplora_image_codec(webp "${webp_FOUND}" PkgConfig::webp webpdemux webp)
  ziplora_image_codec(heif "${heif_FOUND}" PkgConfig::heif)
else()
  foreach(codec jpeg tiff gif webp heif)
    ziplora_image_codec(${codec} FALSE "")
  endforeach()
endif()
if(left_out)
  list(JOIN left_out ", " left_out)
  message(STATUS "Images of these formats will not be read, since their libraries are not here: ${left_out}")
endif()
