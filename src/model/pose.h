// model: pairs of tokens by their poses, for attention. Private.
#ifndef ROADMILL_MODEL_POSE_H
#define ROADMILL_MODEL_POSE_H

#include "roadmill/model.h"

#define RML_POSE_FEATURES 8
#define RML_POSE_FEATURE_LAST 6 // of a token, that poses are read from

// What all blocks share of a scene's pairs; -1 where the configuration wants none.
typedef struct rml_pose_pairs {
    rml_tensor features; // [batch, RML_POSE_FEATURES, keys, queries]
    rml_tensor keep;     // [batch, keys, queries], else the mask of keys itself
} rml_pose_pairs;

// features [batch, tokens, ..] of a scene, mask [batch, tokens].
rml_pose_pairs rml_pose_pairs_build(rml_graph *g, const rml_predictor_config *c, uint32_t batch,
                                    rml_tensor features, rml_tensor mask);

#endif
