# The system's libraries that ziplora/ uses. Installed beside ziploraConfig.cmake, too, where who links ours finds them.
find_package(nlohmann_json REQUIRED)
find_package(fmt REQUIRED)
find_package(PNG REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ICU REQUIRED COMPONENTS uc)
find_package(PkgConfig REQUIRED)
pkg_check_modules(pcre2 REQUIRED IMPORTED_TARGET libpcre2-8)
# Not as an imported target: a -pthread of its own would define _REENTRANT and so keep every unit from the
# precompiled header.
pkg_check_modules(FREETYPE REQUIRED freetype2)

# Of image formats, each if it is here (ImageCodecs.cmake).
find_package(JPEG)
find_package(TIFF)
find_package(GIF)
pkg_check_modules(webp IMPORTED_TARGET libwebp libwebpdemux)
pkg_check_modules(heif IMPORTED_TARGET libheif)

# For jobs of several processes, if it is here (ziplora/team).
pkg_check_modules(openmpi IMPORTED_TARGET ompi-c)
