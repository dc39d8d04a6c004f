// Collects what an importer reads; see traffic_builder.h. Sorting by id makes what is read from a
// file and what is loaded from the lake one and the same.
#include "roadmill/world/builder.h"

#include <string.h>

static int compare_tracks(const void *a, const void *b, void *context)
{
    (void)context;
    return rml_str_compare(((const rml_track *)a)->track_id, ((const rml_track *)b)->track_id);
}

static int compare_elements(const void *a, const void *b, void *context)
{
    (void)context;
    const rml_map_element *left = a, *right = b;
    int by_id = rml_str_compare(left->id, right->id);
    return by_id ? by_id : (left->kind > right->kind) - (left->kind < right->kind);
}

rml_status rml_copy_array(rml_arena *arena, const rml_array *from, const void **out, rml_error *err)
{
    *out = NULL;
    if (from->count == 0) {
        return RML_OK;
    }
    void *copy = rml_arena_make_array(arena, from->count, from->item_size);
    if (!copy) {
        return rml_fail_memory(err, from->count * from->item_size);
    }
    memcpy(copy, from->data, from->count * from->item_size);
    *out = copy;
    return RML_OK;
}

rml_status rml_copy_str(rml_arena *arena, rml_str from, rml_str *out, rml_error *err)
{
    *out = (rml_str){0};
    if (from.len == 0) {
        return RML_OK;
    }
    *out = rml_arena_str(arena, from);
    return out->data ? RML_OK : rml_fail_memory(err, from.len + 1);
}

void rml_traffic_builder_init(rml_traffic_builder *b, rml_arena *arena)
{
    *b = (rml_traffic_builder){
        .arena = arena,
        .states = RML_ARRAY(rml_track_state),
        .tracks = RML_ARRAY(rml_track),
        .elements = RML_ARRAY(rml_map_element),
        .rejects = RML_ARRAY(rml_traffic_reject),
        .ignored = RML_ARRAY(rml_traffic_ignored),
    };
}

void rml_traffic_builder_reset(rml_traffic_builder *b)
{
    rml_array_reset(&b->states);
    rml_array_reset(&b->tracks);
    rml_array_reset(&b->elements);
    rml_array_reset(&b->rejects);
    rml_array_reset(&b->ignored);
    rml_map_reset(&b->track_ids);
    rml_map_reset(&b->element_ids);
    rml_map_reset(&b->ignored_names);
}

rml_status rml_traffic_builder_state(rml_traffic_builder *b, const rml_track_state *state,
                                     rml_str track_id, uint64_t offset, rml_error *err)
{
    if (b->states.count > 0 &&
        state->t_ns <= RML_AT(&b->states, rml_track_state, b->states.count - 1)->t_ns) {
        return rml_traffic_builder_reject(
            b, track_id, offset, "its time does not come after that of the state before", err);
    }
    rml_track_state *item = rml_array_push(&b->states, err);
    if (!item) {
        return RML_ERR_MEMORY;
    }
    *item = *state;
    b->states_in++;
    return RML_OK;
}

rml_status rml_traffic_builder_reject(rml_traffic_builder *b, rml_str track_id, uint64_t offset,
                                      const char *reason, rml_error *err)
{
    rml_traffic_reject *item = rml_array_push(&b->rejects, err);
    if (!item) {
        return RML_ERR_MEMORY;
    }
    item->offset = offset;
    item->reason = rml_str_of(reason);
    b->states_in++;
    return rml_copy_str(b->arena, track_id, &item->track_id, err);
}

rml_status rml_traffic_builder_track(rml_traffic_builder *b, rml_track track, rml_place at,
                                     rml_error *err)
{
    if (rml_map_get(&b->track_ids, track.track_id, NULL)) {
        return rml_fail(err, RML_ERR_DATA, at, NULL,
                        "expected each track once, found \"%.*s\" a second time",
                        RML_FMT(track.track_id));
    }
    RML_TRY(rml_map_put(&b->track_ids, track.track_id, b->tracks.count, err));
    if (b->states.count == 0) {
        return RML_OK;
    }
    const void *states = NULL;
    RML_TRY(rml_copy_array(b->arena, &b->states, &states, err));
    RML_TRY(rml_copy_str(b->arena, track.track_id, &track.track_id, err));
    RML_TRY(rml_copy_str(b->arena, track.source_class, &track.source_class, err));
    track.states = states;
    track.count = b->states.count;
    rml_array_clear(&b->states);
    rml_track *item = rml_array_push(&b->tracks, err);
    if (!item) {
        return RML_ERR_MEMORY;
    }
    *item = track;
    return RML_OK;
}

// The middle of two bounds point by point; a height only where both have one.
static rml_status middle(rml_arena *arena, const rml_map_element *e, rml_polyline *out,
                         rml_error *err)
{
    size_t count = e->left.count;
    bool high = e->left.z_m && e->right.z_m;
    rml_point2 *points = RML_NEW_ARRAY(arena, rml_point2, count);
    double *z = high ? RML_NEW_ARRAY(arena, double, count) : NULL;
    if (!points || (high && !z)) {
        return rml_fail_memory(err, count * sizeof(rml_point2));
    }
    for (size_t i = 0; i < count; i++) {
        points[i].x_m = (e->left.points[i].x_m + e->right.points[i].x_m) / 2;
        points[i].y_m = (e->left.points[i].y_m + e->right.points[i].y_m) / 2;
        if (high) {
            z[i] = (e->left.z_m[i] + e->right.z_m[i]) / 2;
        }
    }
    *out = (rml_polyline){points, count, z};
    return RML_OK;
}

rml_status rml_traffic_builder_element(rml_traffic_builder *b, rml_map_element element,
                                       rml_place at, rml_error *err)
{
    // Sources number each kind by itself.
    char kind = (char)('0' + (int)element.kind);
    rml_str key = rml_arena_printf(b->arena, "%c%.*s", kind, RML_FMT(element.id));
    if (!key.data) {
        return rml_fail_memory(err, element.id.len + 2);
    }
    if (rml_map_get(&b->element_ids, key, NULL)) {
        return rml_fail(err, RML_ERR_DATA, at, NULL,
                        "expected each map element once, found \"%.*s\" a second time",
                        RML_FMT(element.id));
    }
    RML_TRY(rml_map_put(&b->element_ids, key, b->elements.count, err));
    if (element.centre.count == 0 && element.left.count > 0 &&
        element.left.count == element.right.count) {
        RML_TRY(middle(b->arena, &element, &element.centre, err));
    }
    RML_TRY(rml_copy_str(b->arena, element.id, &element.id, err));
    RML_TRY(rml_copy_str(b->arena, element.type, &element.type, err));
    RML_TRY(rml_copy_str(b->arena, element.left_id, &element.left_id, err));
    RML_TRY(rml_copy_str(b->arena, element.right_id, &element.right_id, err));
    rml_map_element *item = rml_array_push(&b->elements, err);
    if (!item) {
        return RML_ERR_MEMORY;
    }
    *item = element;
    return RML_OK;
}

rml_status rml_traffic_builder_ignore(rml_traffic_builder *b, rml_str name, rml_error *err)
{
    uint64_t index = b->ignored.count;
    if (!rml_map_get(&b->ignored_names, name, &index)) {
        RML_TRY(rml_map_put(&b->ignored_names, name, index, err));
        rml_traffic_ignored *item = rml_array_push(&b->ignored, err);
        if (!item) {
            return RML_ERR_MEMORY;
        }
        RML_TRY(rml_copy_str(b->arena, name, &item->name, err));
    }
    RML_AT(&b->ignored, rml_traffic_ignored, index)->count++;
    return RML_OK;
}

rml_status rml_traffic_builder_finish(rml_traffic_builder *b, rml_traffic *out, rml_error *err)
{
    const void *tracks, *elements, *rejects, *ignored;
    RML_TRY(rml_array_sort(&b->tracks, compare_tracks, NULL, err));
    RML_TRY(rml_array_sort(&b->elements, compare_elements, NULL, err));
    RML_TRY(rml_copy_array(b->arena, &b->tracks, &tracks, err));
    RML_TRY(rml_copy_array(b->arena, &b->elements, &elements, err));
    RML_TRY(rml_copy_array(b->arena, &b->rejects, &rejects, err));
    RML_TRY(rml_copy_array(b->arena, &b->ignored, &ignored, err));
    out->tracks = tracks;
    out->track_count = b->tracks.count;
    out->map = elements;
    out->map_count = b->elements.count;
    out->rejects = rejects;
    out->reject_count = b->rejects.count;
    out->ignored = ignored;
    out->ignored_count = b->ignored.count;
    out->states_in = b->states_in;
    return RML_OK;
}
