// CRC-32 (IEEE) by libdeflate, which uses the CPU's carry-less product; CRC-32C (Castagnoli) by
// tables.
#include <libdeflate.h>

#include "roadmill/codec.h"

#include "crc32c_table.h"

uint32_t rml_crc32(uint32_t crc, const void *data, size_t len)
{
    return libdeflate_crc32(crc, data, len);
}

// Eight bytes a step: each is looked up in the table of what follows it ("slicing by 8", Kounavis
// and Berry, IEEE Trans. Comput. 57 (2008) 1550).
uint32_t rml_crc32c(uint32_t crc, const void *data, size_t len)
{
    const uint8_t *p = data;
    crc = ~crc;
    for (; len >= 8; len -= 8, p += 8) {
        uint32_t low = rml_load_u32(p) ^ crc, high = rml_load_u32(p + 4);
        crc = crc32c_table[7][low & 255] ^ crc32c_table[6][low >> 8 & 255] ^
              crc32c_table[5][low >> 16 & 255] ^ crc32c_table[4][low >> 24] ^
              crc32c_table[3][high & 255] ^ crc32c_table[2][high >> 8 & 255] ^
              crc32c_table[1][high >> 16 & 255] ^ crc32c_table[0][high >> 24];
    }
    for (; len > 0; len--) {
        crc = crc32c_table[0][(crc ^ *p++) & 255] ^ (crc >> 8);
    }
    return ~crc;
}
