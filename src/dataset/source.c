// See source.h.
#include "source.h"

#include <string.h>

static rml_status count_states(rml_source *s, rml_error *err)
{
    rml_arena arena = {0};
    rml_array sizes = RML_ARRAY(rml_traffic_size);
    rml_map index = {0};
    rml_status st = RML_OK;
    for (size_t i = 0; i < s->count && st == RML_OK; i++) {
        st = rml_map_put(&index, s->ids[i], i, err);
    }
    st = st ? st : rml_traffic_sizes(s->lake, &arena, &sizes, err);
    for (size_t k = 0; st == RML_OK && k < sizes.count; k++) {
        const rml_traffic_size *size = RML_AT(&sizes, rml_traffic_size, k);
        uint64_t i;
        if (rml_map_get(&index, size->recording_id, &i)) {
            s->states[i] = size->states;
        }
    }
    rml_array_reset(&sizes);
    rml_map_reset(&index);
    rml_arena_reset(&arena);
    return st;
}

rml_status rml_source_open(rml_source *s, rml_lake *lake, const rml_str *ids, size_t count,
                           rml_arena *arena, rml_error *err)
{
    *s = (rml_source){.lake = lake, .ids = ids, .count = count};
    s->states = RML_NEW_ARRAY(arena, uint64_t, count + 1);
    s->slot = RML_NEW_ARRAY(arena, uint32_t, count + 1);
    if (s->states == NULL || s->slot == NULL) {
        return rml_fail_memory(err, count * sizeof *s->states);
    }
    return count_states(s, err);
}

rml_status rml_source_get(rml_source *s, const uint32_t *order, size_t order_count, size_t at,
                          const rml_traffic **out, rml_error *err)
{
    if (s->slot[order[at]] > 0) {
        *out = &s->loaded[s->slot[order[at]] - 1];
        return RML_OK;
    }
    rml_arena_reset(&s->arena);
    memset(s->slot, 0, s->count * sizeof *s->slot);
    rml_str *ids = RML_NEW_ARRAY(&s->arena, rml_str, order_count - at);
    if (ids == NULL) {
        return rml_fail_memory(err, (order_count - at) * sizeof *ids);
    }
    uint64_t states = 0;
    size_t n = 0;
    for (size_t i = at; i < order_count; i++) {
        if (s->slot[order[i]] > 0) {
            continue; // named twice
        }
        states += s->states[order[i]];
        if (n > 0 && states > RML_SOURCE_STATES_MAX) {
            break;
        }
        ids[n++] = s->ids[order[i]];
        s->slot[order[i]] = (uint32_t)n;
    }
    s->loaded = RML_NEW_ARRAY(&s->arena, rml_traffic, n);
    rml_status st = s->loaded == NULL
                        ? rml_fail_memory(err, n * sizeof *s->loaded)
                        : rml_traffic_load_many(s->lake, ids, n, &s->arena, s->loaded, err);
    if (st) {
        memset(s->slot, 0, s->count * sizeof *s->slot);
        return st;
    }
    *out = &s->loaded[s->slot[order[at]] - 1];
    return RML_OK;
}

void rml_source_close(rml_source *s)
{
    rml_arena_reset(&s->arena);
    *s = (rml_source){0};
}
