// mine: what to learn from next. Scores of scenes, novelty, a batch under a budget, and the proof
// that it was worth it.
//
// Reads the pool of unlabelled training candidates and the dev role only; refuses gate and sealed.
#ifndef ROADMILL_MINE_H
#define ROADMILL_MINE_H

#include "roadmill/dataset.h"
#include "roadmill/model.h"

#ifdef __cplusplus
extern "C" {
#endif

// Of n candidate scenes. An array that is NULL, and a value that is NaN, has no part in the score.
typedef struct rml_mine_scores {
    size_t count;
    const float *loss;         // of the model where truth is known; NaN where it is not
    const float *disagreement; // spread of the K futures, metres at the end
    const float *novelty;      // distance of the embedding to the nearest training scene
    const float *embedding;    // [n, width]; NULL: no diversity
    uint32_t width;
    const uint32_t *unit; // family: near-copies are not worth two labels; NULL: each its own
} rml_mine_scores;
typedef struct rml_mine_options {
    size_t budget;
    double weight_loss, weight_disagreement, weight_novelty; // all zero: 1, 1, 1 (of ranks)
    double diversity;    // 0..1, greedy k-centre against score; 0: 0.5, below 0: none
    size_t per_unit_max; // [0: none]
    uint64_t seed;       // settles ties
} rml_mine_options;
typedef struct rml_mine_pick {
    uint32_t index;
    float score;        // weighted mean of its ranks, 0 (least) to 1
    const char *reason; // what spoke most for it: "hard", "novel", "diverse"
} rml_mine_pick;
// The first pick has the highest score; each next one the highest
//
//     (1 - diversity) score + diversity d / D
//
// d its distance to the nearest pick so far, D the largest distance to the first. picks[budget],
// fewer where candidates or caps end; the same picks at any number of threads.
RML_API rml_status rml_mine_select(const rml_mine_scores *scores, const rml_mine_options *options,
                                   rml_pool *pool, rml_mine_pick *picks, size_t *count,
                                   rml_error *err) RML_CHECKED;
// Spread of answers at their end: mean distance between pairs of modes, weighted by probability
// (NULL: all alike); out[f->count].
RML_API void rml_mine_disagreement(const rml_forecast *f, float *out);
// Distance of each candidate embedding to the nearest of m known ones; infinite without any.
RML_API void rml_mine_novelty(const float *candidates, size_t n, const float *known, size_t m,
                              uint32_t width, rml_pool *pool, float *out);

// ---- Selections: what was picked, as an object of the catalog ----------------------------------

// A selection names the version it was picked from, the run that scored it, and each pick by scene.
typedef struct rml_selection {
    rml_str version, run; // hashes
    rml_split from;       // train (a pool) or dev; gate and sealed are refused
    rml_mine_options options;
    const rml_mine_pick *picks; // index: of the split's scenes
    size_t count;
} rml_selection;
// Puts "selection" with edges to version ("picked-from") and run ("scored-by").
RML_API rml_status rml_selection_put(rml_catalog *catalog, const rml_dataset *d,
                                     const rml_selection *s, rml_str name, rml_arena *arena,
                                     rml_str *hash, rml_error *err) RML_CHECKED;
// The train split of a child: the scenes of the parent's train split and of a selection (name or
// prefix of its hash), each once. For rml_dataset_spec.scene_ids.
RML_API rml_status rml_selection_extend(rml_str home, rml_catalog *catalog, rml_str parent,
                                        rml_str selection, rml_arena *arena,
                                        const rml_str **scene_ids, size_t *count, rml_error *err)
    RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
