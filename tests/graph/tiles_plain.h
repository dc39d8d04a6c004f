// Tiles in plain C, by the text of the manual (TDPBF16PS and its kin, Intel SDM volume 2),
// subnormal numbers taken for zero as there. So the kernels for tiles are tested on every machine.
#ifndef TESTS_GRAPH_TILES_PLAIN_H
#define TESTS_GRAPH_TILES_PLAIN_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static _Thread_local uint32_t tile_registers[8][16][16];
static _Thread_local int tiles_open;

static inline float tile_number(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return fpclassify(x) == FP_SUBNORMAL ? copysignf(0, x) : x;
}
static inline float tile_flush(float x)
{
    return fpclassify(x) == FP_SUBNORMAL ? copysignf(0, x) : x;
}

static inline void tile_zero(int t)
{
    assert_true(tiles_open);
    memset(tile_registers[t], 0, sizeof tile_registers[t]);
}
static inline void tile_load(int t, const void *from, size_t step)
{
    assert_true(tiles_open);
    for (size_t r = 0; r < 16; r++) {
        memcpy(tile_registers[t][r], (const uint8_t *)from + r * step, 64);
    }
}
static inline void tile_store(int t, void *to, size_t step)
{
    assert_true(tiles_open);
    for (size_t r = 0; r < 16; r++) {
        memcpy((uint8_t *)to + r * step, tile_registers[t][r], 64);
    }
}
static inline void tile_dot(int sum, int left, int right)
{
    for (size_t m = 0; m < 16; m++) {
        for (size_t n = 0; n < 16; n++) {
            float even = 0, odd = 0;
            for (size_t k = 0; k < 16; k++) {
                uint32_t a = tile_registers[left][m][k], b = tile_registers[right][k][n];
                even = tile_flush(fmaf(tile_number(a << 16), tile_number(b << 16), even));
                odd = tile_flush(
                    fmaf(tile_number(a & 0xffff0000u), tile_number(b & 0xffff0000u), odd));
            }
            float x = tile_flush(tile_number(tile_registers[sum][m][n]) + tile_flush(even + odd));
            memcpy(&tile_registers[sum][m][n], &x, sizeof x);
        }
    }
}

#define TILES_BEGIN() (tiles_open = 1)
#define TILES_END() (tiles_open = 0)
#define TILE_ZERO(t) tile_zero(t)
#define TILE_LOAD(t, from, step) tile_load(t, from, step)
#define TILE_STORE(t, to, step) tile_store(t, to, step)
#define TILE_DOT(sum, left, right) tile_dot(sum, left, right)

#endif
