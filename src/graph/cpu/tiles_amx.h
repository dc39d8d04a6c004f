// Tiles of the Advanced Matrix Extensions.
#ifndef RML_GRAPH_CPU_TILES_AMX_H
#define RML_GRAPH_CPU_TILES_AMX_H

#include <immintrin.h>
#include <stdint.h>

// Intel SDM volume 1, 18.3.3: palette 1; bytes of a row, rows, of eight tiles.
typedef struct tile_shapes {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} tile_shapes;

static inline void tiles_begin(void)
{
    static const tile_shapes all_whole = {.palette = 1,
                                          .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64},
                                          .rows = {16, 16, 16, 16, 16, 16, 16, 16}};
    _tile_loadconfig(&all_whole);
}

#define TILES_BEGIN() tiles_begin()
#define TILES_END() _tile_release()
#define TILE_ZERO(t) _tile_zero(t)
#define TILE_LOAD(t, from, step) _tile_loadd(t, from, step)
#define TILE_STORE(t, to, step) _tile_stored(t, to, step)
#define TILE_DOT(sum, left, right) _tile_dpbf16ps(sum, left, right)

#endif
