// CRC-32 (IEEE) by libdeflate, which uses the CPU's carry-less product; CRC-32C (Castagnoli) by the
// CPU's own instruction, else by tables.
#include <libdeflate.h>

#include "roadmill/codec.h"

#include "crc32c_table.h"

uint32_t rml_crc32(uint32_t crc, const void *data, size_t len)
{
    return libdeflate_crc32(crc, data, len);
}

// The product of two polynomials modulo that of CRC-32, bits reversed: bit 31 is x^0.
static uint32_t multiply(uint32_t a, uint32_t b)
{
    uint32_t product = 0;
    for (uint32_t bit = UINT32_C(1) << 31; bit != 0; bit >>= 1) {
        product ^= (a & bit) != 0 ? b : 0;
        b = (b >> 1) ^ ((b & 1) != 0 ? UINT32_C(0xedb88320) : 0);
    }
    return product;
}

// len_b zero bytes behind a multiply its CRC by x^(8 len_b), by repeated squaring.
uint32_t rml_crc32_join(uint32_t crc_a, uint32_t crc_b, uint64_t len_b)
{
    uint32_t square = UINT32_C(1) << 23; // x^8
    for (uint64_t n = len_b; n != 0; n >>= 1) {
        crc_a = (n & 1) != 0 ? multiply(square, crc_a) : crc_a;
        square = multiply(square, square);
    }
    return crc_a ^ crc_b;
}

// Eight bytes a step: each is looked up in the table of what follows it ("slicing by 8", Kounavis
// and Berry, IEEE Trans. Comput. 57 (2008) 1550).
static uint32_t by_tables(uint32_t crc, const uint8_t *p, size_t len)
{
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
    return crc;
}

#if defined(__x86_64__)
// SSE 4.2: eight bytes an instruction.
__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, const uint8_t *p,
                                                                 size_t len)
{
    uint64_t wide = crc;
    for (; len >= 8; len -= 8, p += 8) {
        wide = __builtin_ia32_crc32di(wide, rml_load_u64(p));
    }
    crc = (uint32_t)wide;
    for (; len > 0; len--) {
        crc = __builtin_ia32_crc32qi(crc, *p++);
    }
    return crc;
}
#endif

uint32_t rml_crc32c(uint32_t crc, const void *data, size_t len)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("sse4.2")) {
        return ~by_instruction(~crc, data, len);
    }
#endif
    return ~by_tables(~crc, data, len);
}
