// The tensors of a split side by side, and metrics over them.
#include "roadmill/eval.h"

#include <string.h>

// Indices in the layout of a scene (rml_scene_layout).
enum { TENSOR_HISTORY = 2, TENSOR_TARGET = 5, TENSOR_TARGET_VALID = 6 };

rml_status rml_split_arrays_make(rml_arena *arena, const rml_dataset *d, rml_split split,
                                 rml_split_arrays *out, rml_error *err)
{
    const rml_scene_spec *spec = rml_dataset_scene_spec(d);
    size_t n = rml_dataset_count(d, split);
    size_t past = (size_t)spec->history * 2, future = (size_t)spec->future * 2;
    *out = (rml_split_arrays){.count = n, .history = spec->history, .steps = spec->future};
    out->history_xy = RML_NEW_ARRAY(arena, float, n *past);
    out->target_xy = RML_NEW_ARRAY(arena, float, n *future);
    out->target_valid = RML_NEW_ARRAY(arena, float, n * spec->future);
    out->family = RML_NEW_ARRAY(arena, uint32_t, n);
    if (n > 0 && (out->history_xy == NULL || out->target_xy == NULL || out->target_valid == NULL ||
                  out->family == NULL)) {
        return rml_fail_memory(err, n * (past + future) * sizeof(float));
    }
    const rml_dataset_scene *scenes = rml_dataset_scenes(d, split);
    for (size_t i = 0; i < n; i++) {
        const float *tensors[RML_SCENE_TENSORS];
        rml_dataset_sample(d, split, i, tensors);
        memcpy(out->history_xy + i * past, tensors[TENSOR_HISTORY], past * sizeof(float));
        memcpy(out->target_xy + i * future, tensors[TENSOR_TARGET], future * sizeof(float));
        memcpy(out->target_valid + i * spec->future, tensors[TENSOR_TARGET_VALID],
               spec->future * sizeof(float));
        out->family[i] = scenes[i].family;
    }
    return RML_OK;
}

rml_status rml_split_metric(const rml_split_arrays *a, const rml_forecast *f, const char *metric,
                            double *out, rml_error *err)
{
    rml_truth truth = {a->count, a->steps, a->target_xy, a->target_valid};
    size_t count;
    const rml_metric *metrics = rml_metrics(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(metrics[i].name, metric) == 0) {
            metrics[i].compute(&truth, f, metrics[i].k, 2.0, out);
            return RML_OK;
        }
    }
    return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL, "expected a metric, found %s",
                    metric);
}
