// model: k-means for the blind baselines. Private to the room.
#ifndef ROADMILL_MODEL_KMEANS_H
#define ROADMILL_MODEL_KMEANS_H

#include "roadmill/base.h"
#include "roadmill/os.h"

// Rows of points[count][dim] into `clusters` of them: `starts` independent k-means++ starts, the
// one of lowest inertia (at a tie the first) kept. assignment[count] out. Random numbers come from
// (seed, start, draw) and starts are the pool's tiles, so threads change no bit. With fewer points
// than clusters the last clusters stay empty.
RML_CHECKED rml_status rml_kmeans(const double *points, size_t count, size_t dim, uint32_t clusters,
                                  uint32_t starts, uint64_t seed, rml_pool *pool,
                                  uint32_t *assignment, double *inertia, rml_error *err);

#endif
