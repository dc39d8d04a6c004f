// The tensors of a version's samples: what the manifest says of them, and reading them by name.
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "open.h"
#include "version.h"

#define REMEDY "use a version that was cut for this task"

static bool read_tensor(rml_dataset *d, const rml_json *entry, rml_tensor_info *out)
{
    rml_str name = rml_json_get_str(entry, "name", RML_STR(""));
    rml_str type = rml_json_get_str(entry, "type", RML_STR("float32"));
    rml_str unit = rml_arena_str(&d->arena, rml_json_get_str(entry, "unit", RML_STR("")));
    const rml_json *shape = rml_json_get(entry, "shape");
    *out = (rml_tensor_info){.name = rml_arena_str(&d->arena, name).data,
                             .ragged = rml_json_get_bool(entry, "ragged", false),
                             .future = rml_json_get_bool(entry, "future", false),
                             .unit = unit.len > 0 ? unit.data : NULL};
    if (out->name == NULL || shape == NULL || shape->count > RML_TENSOR_RANK_MAX ||
        !rml_element_parse(type, &out->element)) {
        return false;
    }
    for (const rml_json *size = shape->child; size != NULL; size = size->next) {
        if (size->kind != RML_JSON_INT || size->integer < 0 || size->integer > UINT32_MAX) {
            return false;
        }
        out->shape[out->rank++] = (uint32_t)size->integer;
    }
    return true;
}

// What a cutter of ours gives must be what the manifest says; of others the manifest is believed.
static bool is_of_cutter(rml_dataset *d)
{
    rml_tensor_info info[RML_TENSORS_MAX];
    if (d->cutter == NULL) {
        return true;
    }
    bool same = rml_scene_layout(d->cutter, &d->spec, info) == d->tensors;
    for (size_t i = 0; same && i < d->tensors; i++) {
        same = rml_tensor_info_equal(&info[i], &d->info[i]);
    }
    if (same) {
        memcpy(d->info, info, sizeof info); // with units, which format 1 leaves out
    }
    return same;
}

rml_status rml_dataset_read_tensors(rml_dataset *d, rml_error *err)
{
    const rml_scene_cutter *const *all;
    const rml_json *list = rml_json_get(d->tree, "tensors");
    rml_scene_cutters(&all);
    d->cutter = d->first_format
                    ? all[0]
                    : rml_scene_cutter_find(rml_json_get_str(d->tree, "cutter", RML_STR("")));
    bool whole = list != NULL && list->count <= RML_TENSORS_MAX;
    for (const rml_json *e = whole ? list->child : NULL; whole && e != NULL; e = e->next) {
        whole = read_tensor(d, e, &d->info[d->tensors++]);
    }
    if (!whole || !is_of_cutter(d)) {
        return rml_fail(err, RML_ERR_DATA, rml_place_file(d->folder), RML_REMEDY_VERSION,
                        "expected a manifest with at most %d tensors, each with name, type and "
                        "shape, as its cutter gives them",
                        RML_TENSORS_MAX);
    }
    return RML_OK;
}

const rml_scene_cutter *rml_dataset_cutter(const rml_dataset *d)
{
    return d->cutter;
}

size_t rml_dataset_tensors(const rml_dataset *d, const rml_tensor_info **info)
{
    *info = d->info;
    return d->tensors;
}

rml_status rml_dataset_tensor_find(const rml_dataset *d, const char *name, size_t *out,
                                   rml_error *err)
{
    char names[512] = "";
    size_t len = 0;
    for (size_t i = 0; i < d->tensors; i++) {
        if (strcmp(d->info[i].name, name) == 0) {
            *out = i;
            return RML_OK;
        }
        int more =
            snprintf(names + len, sizeof names - len, "%s%s", i > 0 ? ", " : "", d->info[i].name);
        len = len + (size_t)more < sizeof names ? len + (size_t)more : sizeof names - 1;
    }
    return rml_fail(err, RML_ERR_MISSING, rml_place_file(d->folder), REMEDY,
                    "expected a tensor %s, found %s", name, names);
}

rml_status rml_dataset_tensor_need(const rml_dataset *d, const rml_tensor_info *want, size_t *out,
                                   rml_error *err)
{
    RML_TRY(rml_dataset_tensor_find(d, want->name, out, err));
    const rml_tensor_info *found = &d->info[*out];
    if (!rml_tensor_info_equal(want, found)) {
        return rml_fail(err, RML_ERR_ARGUMENT, rml_place_file(d->folder), REMEDY,
                        "expected tensor %s of %s and %u axes from %u, found %s%s and %u from %u",
                        want->name, rml_element_name(want->element), want->rank, want->shape[0],
                        found->ragged ? "ragged " : "", rml_element_name(found->element),
                        found->rank, found->shape[0]);
    }
    return RML_OK;
}

static const rml_shard *shard_of(const rml_dataset *d, rml_split split, size_t index,
                                 uint32_t *scene)
{
    assert(index < d->count[split]);
    *scene = (uint32_t)(index % d->per_shard[split]);
    return &d->shards[d->first_shard[split] + index / d->per_shard[split]].shard;
}

rml_tensor_view rml_dataset_tensor(const rml_dataset *d, rml_split split, size_t index,
                                   size_t tensor)
{
    uint32_t scene;
    const rml_shard *shard = shard_of(d, split, index, &scene);
    return rml_shard_view(shard, scene, tensor);
}

const float *rml_dataset_f32(const rml_dataset *d, rml_split split, size_t index, size_t tensor)
{
    assert(d->info[tensor].element == RML_ELEMENT_F32 && !d->info[tensor].ragged);
    return rml_dataset_tensor(d, split, index, tensor).data;
}

void rml_dataset_sample(const rml_dataset *d, rml_split split, size_t index,
                        rml_tensor_view *tensors)
{
    uint32_t scene;
    const rml_shard *shard = shard_of(d, split, index, &scene);
    for (size_t i = 0; i < d->tensors; i++) {
        tensors[i] = rml_shard_view(shard, scene, i);
    }
}
