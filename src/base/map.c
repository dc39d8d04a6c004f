// A map from text to a number: open addressing, linear probing, at most two thirds full.
#include "roadmill/base.h"

#include <string.h>

// Eight bytes at a time, mixed by the finaliser of MurmurHash3 (public domain, Appleby). It decides
// where a key lies, never what is written, so it may change.
static uint64_t hash_key(rml_str key)
{
    const uint8_t *p = (const uint8_t *)key.data;
    uint64_t h = 0x9e3779b97f4a7c15u ^ key.len;
    for (size_t i = 0; i < key.len; i += 8) {
        uint64_t part = 0;
        memcpy(&part, p + i, key.len - i < 8 ? key.len - i : 8);
        h = (h ^ part) * 0xff51afd7ed558ccdu;
        h ^= h >> 32;
    }
    h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53u;
    return h ^ h >> 33;
}

// The slot of key, or the free one where it belongs. There is always a free one.
static size_t find_slot(const rml_map *map, rml_str key)
{
    size_t slot = (size_t)hash_key(key) & (map->slot_count - 1);
    while (map->slots[slot] != 0 && !rml_str_equal(map->entries[map->slots[slot] - 1].key, key)) {
        slot = (slot + 1) & (map->slot_count - 1);
    }
    return slot;
}

static rml_status grow_entries(rml_map *map, rml_error *err)
{
    size_t capacity = map->capacity == 0 ? 8 : map->capacity * 2, size;
    if (capacity > UINT32_MAX / 2 || !rml_size_mul(capacity, sizeof(rml_map_entry), &size)) {
        return rml_fail(err, RML_ERR_LIMIT, (rml_place){0}, NULL,
                        "expected at most %u keys in a map, found more", UINT32_MAX / 2);
    }
    rml_map_entry *entries = rml_heap_grow(map->entries, size);
    if (!entries) {
        return rml_fail_memory(err, size);
    }
    map->entries = entries;
    map->capacity = capacity;
    return RML_OK;
}

static rml_status grow_slots(rml_map *map, rml_error *err)
{
    size_t count = map->slot_count == 0 ? 16 : map->slot_count * 2;
    uint32_t *slots = rml_heap_make(count * sizeof *slots);
    if (!slots) {
        return rml_fail_memory(err, count * sizeof *slots);
    }
    rml_heap_free(map->slots);
    map->slots = slots;
    map->slot_count = count;
    for (size_t i = 0; i < map->count; i++) {
        map->slots[find_slot(map, map->entries[i].key)] = (uint32_t)i + 1;
    }
    return RML_OK;
}

rml_status rml_map_put(rml_map *map, rml_str key, uint64_t value, rml_error *err)
{
    if (map->slot_count > 0) {
        uint32_t entry = map->slots[find_slot(map, key)];
        if (entry != 0) {
            map->entries[entry - 1].value = value;
            return RML_OK;
        }
    }
    if (map->count == map->capacity) {
        RML_TRY(grow_entries(map, err));
    }
    if ((map->count + 1) * 3 > map->slot_count * 2) {
        RML_TRY(grow_slots(map, err));
    }
    rml_str copy = rml_arena_str(&map->keys, key);
    if (!copy.data) {
        return rml_fail_memory(err, key.len);
    }
    map->entries[map->count] = (rml_map_entry){copy, value};
    size_t slot = find_slot(map, copy);
    map->slots[slot] = (uint32_t)++map->count;
    return RML_OK;
}

bool rml_map_get(const rml_map *map, rml_str key, uint64_t *value)
{
    uint32_t entry = map->slot_count > 0 ? map->slots[find_slot(map, key)] : 0;
    if (entry == 0) {
        return false;
    }
    if (value) {
        *value = map->entries[entry - 1].value;
    }
    return true;
}

void rml_map_reset(rml_map *map)
{
    rml_heap_free(map->entries);
    rml_heap_free(map->slots);
    rml_arena_reset(&map->keys);
    *map = (rml_map){0};
}
