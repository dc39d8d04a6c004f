// The tensors of a split side by side, and metrics over them.
#include "roadmill/eval.h"

// The focus' rows of a tensor of that name: of steps times axes numbers each.
typedef struct rows {
    const rml_dataset *d;
    const rml_tensor_info *info;
    size_t at, numbers;
    uint32_t steps, axes;
} rows;

static rml_status rows_find(const rml_dataset *d, const char *name, rows *out, rml_error *err)
{
    const rml_tensor_info *info;
    size_t row, whole;
    *out = (rows){.d = d};
    RML_TRY(rml_dataset_tensor_find(d, name, &out->at, err));
    rml_dataset_tensors(d, &info);
    out->info = &info[out->at];
    out->steps = out->info->rank > 1 ? out->info->shape[1] : 1;
    out->axes = out->info->rank > 2 ? out->info->shape[2] : 1;
    bool fits = rml_tensor_info_size(out->info, &row, &whole);
    out->numbers = fits ? row / rml_element_size(out->info->element) : 0;
    if (out->numbers != (size_t)out->steps * out->axes || out->info->rank > 3) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected tensor %s of at most 3 axes, found %u", name, out->info->rank);
    }
    return RML_OK;
}

static float *rows_read(const rows *r, rml_split split, size_t n, rml_arena *arena)
{
    float *all = RML_NEW_ARRAY(arena, float, n * r->numbers + 1);
    for (size_t i = 0; all != NULL && i < n; i++) {
        rml_tensor_view view = rml_dataset_tensor(r->d, split, i, r->at);
        rml_elements_to_f32(r->info->element, view.data, view.rows > 0 ? r->numbers : 0,
                            all + i * r->numbers);
    }
    return all;
}

static float *all_valid(size_t count, rml_arena *arena)
{
    float *valid = RML_NEW_ARRAY(arena, float, count + 1);
    for (size_t i = 0; valid != NULL && i < count; i++) {
        valid[i] = 1;
    }
    return valid;
}

rml_status rml_split_arrays_make(rml_arena *arena, const rml_dataset *d, const rml_task *task,
                                 rml_split split, rml_split_arrays *out, rml_error *err)
{
    size_t n = rml_dataset_count(d, split);
    rows history, truth, valid;
    RML_TRY(rows_find(d, "history", &history, err));
    RML_TRY(rows_find(d, task->truth, &truth, err));
    *out = (rml_split_arrays){.count = n,
                              .history = history.steps,
                              .steps = truth.steps,
                              .axes = truth.axes,
                              .dt_s = (double)rml_dataset_step_ns(d) * 1e-9};
    out->history_xy = rows_read(&history, split, n, arena);
    out->target_xy = rows_read(&truth, split, n, arena);
    if (task->truth_valid != NULL) {
        RML_TRY(rows_find(d, task->truth_valid, &valid, err));
        if (valid.numbers != truth.steps) {
            return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                            "expected tensor %s of %u steps, found %zu", task->truth_valid,
                            truth.steps, valid.numbers);
        }
        out->target_valid = rows_read(&valid, split, n, arena);
    } else {
        out->target_valid = all_valid(n * truth.steps, arena);
    }
    out->family = RML_NEW_ARRAY(arena, uint32_t, n + 1);
    if (out->history_xy == NULL || out->target_xy == NULL || out->target_valid == NULL ||
        out->family == NULL) {
        return rml_fail_memory(err, n * (history.numbers + truth.numbers) * sizeof(float));
    }
    const rml_dataset_scene *scenes = rml_dataset_scenes(d, split);
    for (size_t i = 0; i < n; i++) {
        out->family[i] = scenes[i].family;
    }
    return RML_OK;
}

rml_status rml_split_metric(const rml_split_arrays *a, const rml_forecast *f, const char *metric,
                            double *out, rml_error *err)
{
    rml_truth truth = {a->count, a->steps, a->axes, a->target_xy, a->target_valid};
    const rml_metric *m = rml_metric_find(metric);
    if (m == NULL) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL, "expected a metric, found %s",
                        metric);
    }
    m->compute(&truth, f, m->k, 2.0, out);
    return RML_OK;
}
