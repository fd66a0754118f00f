// ICU's table of data, empty, for programs that contain libicuuc.a: the 31 MB of libicudata.a are about locales,
// collation and old encodings. What ziplora asks of ICU (categories of characters, NFC, lower case, UTF-8) is compiled
// into libicuuc itself. It is what ICU's own stubdata is.
#include <unicode/udata.h>
#include <unicode/utypes.h>
#include <unicode/uversion.h>

extern "C" U_EXPORT const struct {
  uint16_t header_size;
  uint8_t magic[2];
  UDataInfo info;
  char padding[8];
  uint32_t count, reserved;
} U_ICUDATA_ENTRY_POINT = {32,
                           {0xda, 0x27},
                           {sizeof(UDataInfo),
                            0,
                            U_IS_BIG_ENDIAN,
                            U_CHARSET_FAMILY,
                            sizeof(UChar),
                            0,
                            {0x54, 0x6f, 0x43, 0x50},  // "ToCP"
                            {1, 0, 0, 0},
                            {0, 0, 0, 0}},
                           {0},
                           0,
                           0};
