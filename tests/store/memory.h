// Objects in memory as a scheme, "mem://…": what a store of objects does and no more (whole puts,
// conditional puts, ranges, listings), with faults at a chosen operation and with latency.
#ifndef ROADMILL_TESTS_STORE_MEMORY_H
#define ROADMILL_TESTS_STORE_MEMORY_H

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "roadmill/store/scheme.h"

typedef enum memory_fault {
    MEMORY_REFUSES, // one operation does nothing
    MEMORY_SILENT,  // one operation is done, its answer is lost
    MEMORY_GONE,    // that operation and all after it do nothing: what a kill leaves behind
    MEMORY_FAULTS
} memory_fault;

typedef struct memory_object {
    char *uri;
    uint8_t *data;
    size_t size;
    int64_t modified_ns;
} memory_object;

typedef struct memory_store {
    pthread_mutex_t lock;
    memory_object *objects;
    size_t count;
    uint64_t operations; // so far
    uint64_t fault_at;   // the number of an operation; 0: none
    memory_fault fault;
    int64_t latency_ns;
    int64_t clock_ns; // of modifications
} memory_store;

static memory_store memory = {.lock = PTHREAD_MUTEX_INITIALIZER};

// Counts an operation; *answer: what it gives, *done: whether it is done.
static inline void memory_begin(rml_str uri, rml_status *answer, bool *done, rml_error *err)
{
    if (memory.latency_ns > 0) {
        nanosleep(&(struct timespec){.tv_nsec = memory.latency_ns}, NULL);
    }
    pthread_mutex_lock(&memory.lock);
    uint64_t number = ++memory.operations;
    bool hit = memory.fault_at != 0 && (memory.fault == MEMORY_GONE ? number >= memory.fault_at
                                                                    : number == memory.fault_at);
    *answer = hit ? rml_fail(err, RML_ERR_IO, rml_place_file(uri), "run it again",
                             "expected an answer, found none")
                  : RML_OK;
    *done = !hit || memory.fault == MEMORY_SILENT;
}

static inline rml_status memory_end(rml_status answer)
{
    pthread_mutex_unlock(&memory.lock);
    return answer;
}

static inline memory_object *memory_find(rml_str uri)
{
    for (size_t i = 0; i < memory.count; i++) {
        if (rml_str_equal(uri, rml_str_of(memory.objects[i].uri))) {
            return &memory.objects[i];
        }
    }
    return NULL;
}

static inline rml_status memory_head(void *context, rml_str uri, rml_file_info *out, rml_error *err)
{
    (void)context;
    rml_status st;
    bool done;
    memory_begin(uri, &st, &done, err);
    const memory_object *o = memory_find(uri);
    *out = o == NULL
               ? (rml_file_info){0}
               : (rml_file_info){.exists = true, .size = o->size, .modified_ns = o->modified_ns};
    return memory_end(st);
}

static inline rml_status memory_read(void *context, rml_str uri, uint64_t offset, void *data,
                                     size_t len, rml_error *err)
{
    (void)context;
    rml_status st;
    bool done;
    memory_begin(uri, &st, &done, err);
    const memory_object *o = memory_find(uri);
    if (st == RML_OK && (o == NULL || offset > o->size || len > o->size - offset)) {
        st = rml_fail(err, RML_ERR_MISSING, rml_place_file(uri), NULL,
                      "expected an object with those bytes, found none");
    } else if (st == RML_OK && len > 0) {
        memcpy(data, o->data + offset, len);
    }
    return memory_end(st);
}

static inline rml_status memory_put(void *context, rml_str uri, rml_bytes content, bool fresh,
                                    rml_error *err)
{
    (void)context;
    rml_status st;
    bool done;
    memory_begin(uri, &st, &done, err);
    memory_object *o = memory_find(uri);
    if (done && fresh && o != NULL) {
        st = st ? st
                : rml_fail(err, RML_ERR_EXISTS, rml_place_file(uri), NULL,
                           "expected no object, found one");
        done = false;
    }
    if (done && o == NULL) {
        memory.objects = realloc(memory.objects, (memory.count + 1) * sizeof *o);
        o = &memory.objects[memory.count++];
        *o = (memory_object){.uri = strndup(uri.data, uri.len)};
    }
    if (done) {
        o->data = realloc(o->data, content.len + 1);
        memcpy(o->data, content.len > 0 ? (const void *)content.data : "", content.len);
        o->size = content.len;
        o->modified_ns = ++memory.clock_ns;
    }
    return memory_end(st);
}

static inline rml_status memory_remove(void *context, rml_str uri, rml_error *err)
{
    (void)context;
    rml_status st;
    bool done;
    memory_begin(uri, &st, &done, err);
    memory_object *o = memory_find(uri);
    if (done && o != NULL) {
        free(o->uri);
        free(o->data);
        *o = memory.objects[--memory.count];
    }
    return memory_end(st);
}

static inline bool memory_listed(const rml_array *names, rml_str name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (rml_str_equal(*RML_AT(names, rml_str, i), name)) {
            return true;
        }
    }
    return false;
}

static inline rml_status memory_list(void *context, rml_str uri, bool deep, size_t most,
                                     rml_arena *arena, rml_array *names, rml_error *err)
{
    (void)context;
    rml_status st;
    bool done;
    memory_begin(uri, &st, &done, err);
    for (size_t i = 0; st == RML_OK && i < memory.count && names->count < most; i++) {
        rml_str found = rml_str_of(memory.objects[i].uri), name;
        if (!rml_str_starts(found, uri) || found.len < uri.len + 2 || found.data[uri.len] != '/') {
            continue;
        }
        name = (rml_str){found.data + uri.len + 1, found.len - uri.len - 1};
        if (!deep) {
            rml_str_cut(name, '/', &name);
        }
        if (!memory_listed(names, name)) {
            rml_str *item = rml_array_push(names, err);
            st = item == NULL ? RML_ERR_MEMORY : RML_OK;
            if (item != NULL) {
                *item = rml_arena_str(arena, name);
            }
        }
    }
    return memory_end(st);
}

static const rml_store_scheme memory_scheme = {.name = "mem",
                                               .head = memory_head,
                                               .read = memory_read,
                                               .put = memory_put,
                                               .remove = memory_remove,
                                               .list = memory_list};

// The number-th operation from now on fails; 0: none does.
static inline void memory_fail(uint64_t number, memory_fault fault)
{
    memory.fault_at = number == 0 ? 0 : memory.operations + number;
    memory.fault = fault;
}

// A copy of all objects, and all objects replaced by such a copy.
static inline void memory_copy(const memory_store *from, memory_store *to)
{
    to->objects = calloc(from->count + 1, sizeof *to->objects);
    to->count = from->count;
    for (size_t i = 0; i < from->count; i++) {
        const memory_object *o = &from->objects[i];
        to->objects[i] = *o;
        to->objects[i].uri = strdup(o->uri);
        to->objects[i].data = memcpy(malloc(o->size + 1), o->data, o->size);
    }
}

static inline void memory_drop(memory_store *m)
{
    for (size_t i = 0; i < m->count; i++) {
        free(m->objects[i].uri);
        free(m->objects[i].data);
    }
    free(m->objects);
    m->objects = NULL;
    m->count = 0;
}

static inline void memory_clear(void)
{
    memory_drop(&memory);
    memory_fail(0, MEMORY_REFUSES);
}

#endif
