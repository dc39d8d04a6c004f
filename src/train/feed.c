// train: which tensors of a version feed a model, by name, and one sample of them into a plan.
#include <string.h>

#include "learner.h"

#define REMEDY "use a version cut as the model's own was"

// [batch, rows, ...] of the model takes [rows or more, ...] of the version.
static bool fits(rml_shape shape, const rml_tensor_info *info, rml_feed_input *out)
{
    uint32_t rank = shape.rank - 1;
    out->rows = rank > 0 ? shape.size[1] : 1;
    out->width = 1;
    bool same = rank == info->rank && (rank == 0 || info->ragged || info->shape[0] >= out->rows);
    for (uint32_t i = 1; i < rank; i++) {
        out->width *= shape.size[i + 1];
        same = same && info->shape[i] == shape.size[i + 1];
    }
    return same;
}

static rml_status find(const rml_engine *e, const rml_dataset *d, const rml_model_input *inputs,
                       size_t count, rml_feed *out, rml_error *err)
{
    for (size_t i = 0; i < count; i++) {
        rml_feed_input *to = &out->inputs[out->count++];
        *to = (rml_feed_input){.tokens = inputs[i].tokens};
        RML_TRY(rml_dataset_tensor_find(d, inputs[i].name, &to->at, err));
        const rml_tensor_info *info = &out->info[to->at];
        if (!fits(rml_graph_shape(e->graph, inputs[i].tensor), info, to)) {
            return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, REMEDY,
                            "expected tensor %s with %zu rows of %zu numbers, found %u axes from "
                            "%u",
                            info->name, to->rows, to->width, info->rank, info->shape[0]);
        }
    }
    return RML_OK;
}

rml_status rml_feed_find(const rml_engine *e, const rml_dataset *d, rml_feed *out, rml_error *err)
{
    const rml_scene_spec *spec = rml_dataset_scene_spec(d);
    const rml_model *m = &e->model;
    *out = (rml_feed){.agents = spec->agents};
    rml_dataset_tensors(d, &out->info);
    if (m->agents > spec->agents || m->map > spec->map ||
        (m->future > 0 && m->future != spec->future)) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, REMEDY,
                        "expected scenes of at least %u agents, %u pieces of map and %u steps "
                        "ahead, found %u, %u and %u",
                        m->agents, m->map, m->future, spec->agents, spec->map, spec->future);
    }
    RML_TRY(find(e, d, m->inputs, m->input_count, out, err));
    return find(e, d, m->targets, m->target_count, out, err);
}

// Rows [first, first + rows) of a tensor into a slice of the plan; where there are no more, zeros.
static rml_status put_rows(rml_plan *plan, rml_plan_slice to, size_t width,
                           const rml_tensor_info *info, rml_tensor_view from, size_t first,
                           rml_error *err)
{
    size_t size = rml_element_size(info->element), rows = to.count / (width > 0 ? width : 1);
    size_t left = from.rows > first ? from.rows - first : 0, taken = left < rows ? left : rows;
    const uint8_t *data = (const uint8_t *)from.data + first * width * size;
    if (info->element == RML_ELEMENT_F32 && taken == rows) { // as they lie
        return rml_plan_put(plan, to, data, err);
    }
    float part[RML_PART];
    size_t end = to.first + to.count, known = taken * width, at = 0;
    for (; to.first < end; to.first += to.count, at += to.count) {
        to.count = end - to.first < RML_PART ? end - to.first : RML_PART;
        size_t there = at < known ? (known - at < to.count ? known - at : to.count) : 0;
        rml_elements_to_f32(info->element, data + at * size, there, part);
        memset(part + there, 0, (to.count - there) * sizeof *part);
        RML_TRY(rml_plan_put(plan, to, part, err));
    }
    return RML_OK;
}

rml_status rml_engine_put(const rml_engine *e, rml_plan *plan, const rml_feed *feed, uint32_t row,
                          const rml_tensor_view *from, rml_error *err)
{
    const rml_model *m = &e->model;
    for (size_t i = 0; i < feed->count; i++) {
        const rml_feed_input *in = &feed->inputs[i];
        const rml_tensor_info *info = &feed->info[in->at];
        rml_tensor tensor =
            i < m->input_count ? m->inputs[i].tensor : m->targets[i - m->input_count].tensor;
        if (!rml_plan_keeps(plan, tensor)) { // nothing of this plan reads it
            continue;
        }
        rml_plan_slice to = {.tensor = tensor, .first = row * in->rows * in->width};
        if (in->tokens) {
            to.count = m->agents * in->width;
            RML_TRY(put_rows(plan, to, in->width, info, from[in->at], 0, err));
            to.first += to.count;
            to.count = m->map * in->width;
            RML_TRY(put_rows(plan, to, in->width, info, from[in->at], feed->agents, err));
        } else {
            to.count = in->rows * in->width;
            RML_TRY(put_rows(plan, to, in->width, info, from[in->at], 0, err));
        }
    }
    return RML_OK;
}
