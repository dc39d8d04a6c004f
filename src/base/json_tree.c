// JSON, the tree: for manifests and settings. Built without recursion; duplicate keys are refused.
#include "roadmill/base/json.h"

#include <string.h>

// An open container and its last child so far.
typedef struct level {
    rml_json *node, *last;
} level;

typedef struct builder {
    rml_arena *arena;
    rml_json_reader reader;
    uint32_t depth;
    level levels[RML_JSON_DEPTH_MAX + 1]; // level 0 holds the whole text
    rml_str key;                          // of the value to come
} builder;

static rml_status copy_text(builder *b, rml_str *out, rml_error *err)
{
    *out = rml_arena_str(b->arena, b->reader.string);
    return out->data ? RML_OK : rml_fail_memory(err, b->reader.string.len);
}

static rml_status add_node(builder *b, rml_json_kind kind, rml_error *err)
{
    rml_json *node = RML_NEW(b->arena, rml_json);
    if (!node) {
        return rml_fail_memory(err, sizeof *node);
    }
    const rml_json_reader *r = &b->reader;
    *node = (rml_json){.kind = kind, .key = b->key, .at = r->at};
    node->boolean = kind == RML_JSON_BOOL && r->boolean;
    node->integer = kind == RML_JSON_INT ? r->integer : 0;
    node->number = kind == RML_JSON_INT || kind == RML_JSON_NUMBER ? r->number : 0;
    b->key = (rml_str){0};
    level *parent = &b->levels[b->depth];
    if (parent->last) {
        parent->last->next = node;
    } else {
        parent->node->child = node;
    }
    parent->last = node;
    parent->node->count++;
    return kind == RML_JSON_STRING ? copy_text(b, &node->string, err) : RML_OK;
}

static rml_status fail_duplicate(const builder *b, const rml_json *member, rml_error *err)
{
    return rml_fail(err, RML_ERR_DATA, rml_place_byte(b->reader.file, member->at), NULL,
                    "expected each key once, found \"%.*s\" again", RML_FMT(member->key));
}

// Few keys are compared in pairs, many through a map.
static rml_status check_keys(const builder *b, const rml_json *object, rml_error *err)
{
    if (object->count <= 16) {
        for (const rml_json *m = object->child; m; m = m->next) {
            for (const rml_json *n = object->child; n != m; n = n->next) {
                if (rml_str_equal(n->key, m->key)) {
                    return fail_duplicate(b, m, err);
                }
            }
        }
        return RML_OK;
    }
    rml_map seen = {0};
    rml_status st = RML_OK;
    for (const rml_json *m = object->child; m && st == RML_OK; m = m->next) {
        st = rml_map_get(&seen, m->key, NULL) ? fail_duplicate(b, m, err)
                                              : rml_map_put(&seen, m->key, 1, err);
    }
    rml_map_reset(&seen);
    return st;
}

static rml_status take_event(builder *b, rml_json_event event, rml_error *err)
{
    static const rml_json_kind kinds[] = {
        [RML_JSON_EVENT_OBJECT_BEGIN] = RML_JSON_OBJECT,
        [RML_JSON_EVENT_ARRAY_BEGIN] = RML_JSON_ARRAY,
        [RML_JSON_EVENT_STRING] = RML_JSON_STRING,
        [RML_JSON_EVENT_INT] = RML_JSON_INT,
        [RML_JSON_EVENT_NUMBER] = RML_JSON_NUMBER,
        [RML_JSON_EVENT_BOOL] = RML_JSON_BOOL,
        [RML_JSON_EVENT_NULL] = RML_JSON_NULL,
    };
    switch (event) {
    case RML_JSON_EVENT_KEY:
        return copy_text(b, &b->key, err);
    case RML_JSON_EVENT_OBJECT_END:
        return check_keys(b, b->levels[b->depth--].node, err);
    case RML_JSON_EVENT_ARRAY_END:
        b->depth--;
        return RML_OK;
    case RML_JSON_EVENT_OBJECT_BEGIN:
    case RML_JSON_EVENT_ARRAY_BEGIN: {
        RML_TRY(add_node(b, kinds[event], err));
        rml_json *node = b->levels[b->depth].last;
        b->levels[++b->depth] = (level){.node = node};
        return RML_OK;
    }
    default:
        return add_node(b, kinds[event], err);
    }
}

rml_status rml_json_parse(rml_arena *arena, rml_str text, rml_str file, const rml_json **out,
                          rml_error *err)
{
    rml_json root = {0};
    builder b = {.arena = arena, .levels = {{.node = &root}}};
    rml_json_reader_init(&b.reader, text, file);
    rml_json_event event = RML_JSON_EVENT_NULL;
    rml_status st;
    do {
        st = rml_json_next(&b.reader, &event, err);
        if (st == RML_OK && event != RML_JSON_EVENT_END) {
            st = take_event(&b, event, err);
        }
    } while (st == RML_OK && event != RML_JSON_EVENT_END);
    rml_json_reader_reset(&b.reader);
    if (st == RML_OK) {
        *out = root.child;
    }
    return st;
}

const rml_json *rml_json_get(const rml_json *value, const char *key)
{
    if (!value || value->kind != RML_JSON_OBJECT) {
        return NULL;
    }
    rml_str wanted = rml_str_of(key);
    for (const rml_json *m = value->child; m; m = m->next) {
        if (rml_str_equal(m->key, wanted)) {
            return m;
        }
    }
    return NULL;
}

rml_str rml_json_get_str(const rml_json *value, const char *key, rml_str otherwise)
{
    const rml_json *m = rml_json_get(value, key);
    return m && m->kind == RML_JSON_STRING ? m->string : otherwise;
}

int64_t rml_json_get_i64(const rml_json *value, const char *key, int64_t otherwise)
{
    const rml_json *m = rml_json_get(value, key);
    int64_t parsed;
    if (m && m->kind == RML_JSON_STRING && rml_parse_i64(m->string, &parsed)) {
        return parsed; // as rml_json_ns writes it
    }
    return m && m->kind == RML_JSON_INT ? m->integer : otherwise;
}

double rml_json_get_f64(const rml_json *value, const char *key, double otherwise)
{
    const rml_json *m = rml_json_get(value, key);
    return m && (m->kind == RML_JSON_INT || m->kind == RML_JSON_NUMBER) ? m->number : otherwise;
}

bool rml_json_get_bool(const rml_json *value, const char *key, bool otherwise)
{
    const rml_json *m = rml_json_get(value, key);
    return m && m->kind == RML_JSON_BOOL ? m->boolean : otherwise;
}
