// YAML for settings: libyaml's events become a tree in an arena. What settings do not need and what
// surprises people (anchors, tags, several documents) is refused where it stands.
#include "roadmill/base/yaml.h"

#include <string.h>
#include <yaml.h>

enum { DEPTH_MAX = 64, TEXT_SIZE_MAX = 16 << 20 };

typedef struct level {
    rml_yaml *node, *last;
    rml_str key; // waiting for its value; data NULL if none
    rml_place key_at;
} level;

typedef struct builder {
    rml_arena *arena;
    rml_str file;
    size_t depth;
    level levels[DEPTH_MAX + 1]; // level 0 holds the document
} builder;

static rml_place place_of(const builder *b, const yaml_mark_t *mark)
{
    return rml_place_line(b->file, (uint32_t)mark->line + 1, (uint32_t)mark->column + 1);
}

static rml_status fail_parser(const builder *b, const yaml_parser_t *p, rml_error *err)
{
    if (p->error == YAML_MEMORY_ERROR) {
        return rml_fail_memory(err, 0);
    }
    const yaml_mark_t *mark = &p->problem_mark;
    if (p->error == YAML_READER_ERROR) {
        return rml_fail(err, RML_ERR_DATA, rml_place_byte(b->file, p->problem_offset), NULL,
                        "expected YAML as UTF-8 text, found: %s", p->problem);
    }
    return rml_fail(err, RML_ERR_DATA, place_of(b, mark), NULL, "expected YAML, found: %s%s%s",
                    p->context ? p->context : "", p->context ? ", " : "",
                    p->problem ? p->problem : "an unreadable part");
}

static rml_status refuse(const builder *b, const yaml_event_t *e, const char *expected,
                         const char *found, rml_error *err)
{
    return rml_fail(err, RML_ERR_DATA, place_of(b, &e->start_mark), NULL, "expected %s, found %s",
                    expected, found);
}

static rml_status refuse_extras(const builder *b, const yaml_event_t *e, const void *anchor,
                                const void *tag, rml_error *err)
{
    if (anchor) {
        return refuse(b, e, "each value written out", "an anchor (&)", err);
    }
    return tag ? refuse(b, e, "values without a tag", "a tag (!)", err) : RML_OK;
}

static rml_status take_key(builder *b, level *map, const yaml_event_t *e, rml_error *err)
{
    rml_str key = {(const char *)e->data.scalar.value, e->data.scalar.length};
    map->key = rml_arena_str(b->arena, key);
    map->key_at = place_of(b, &e->start_mark);
    return map->key.data ? RML_OK : rml_fail_memory(err, key.len);
}

static rml_status add_node(builder *b, rml_yaml_kind kind, const yaml_event_t *e, rml_error *err)
{
    level *parent = &b->levels[b->depth];
    rml_yaml *node = RML_NEW(b->arena, rml_yaml);
    if (!node) {
        return rml_fail_memory(err, sizeof *node);
    }
    *node = (rml_yaml){.kind = kind, .key = parent->key, .key_at = parent->key_at};
    node->at = place_of(b, &e->start_mark);
    if (kind == RML_YAML_SCALAR) {
        rml_str text = {(const char *)e->data.scalar.value, e->data.scalar.length};
        node->text = rml_arena_str(b->arena, text);
        node->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
        if (!node->text.data) {
            return rml_fail_memory(err, text.len);
        }
    }
    parent->key = (rml_str){0};
    if (parent->last) {
        parent->last->next = node;
    } else {
        parent->node->child = node;
    }
    parent->last = node;
    parent->node->count++;
    return RML_OK;
}

static rml_status open_container(builder *b, rml_yaml_kind kind, const yaml_event_t *e,
                                 rml_error *err)
{
    if (b->depth == DEPTH_MAX) {
        return rml_fail(err, RML_ERR_LIMIT, place_of(b, &e->start_mark), NULL,
                        "expected at most %d levels of nesting, found more", DEPTH_MAX);
    }
    RML_TRY(add_node(b, kind, e, err));
    rml_yaml *node = b->levels[b->depth].last;
    b->levels[++b->depth] = (level){.node = node};
    return RML_OK;
}

static bool wants_key(const builder *b)
{
    const level *top = &b->levels[b->depth];
    return b->depth > 0 && top->node->kind == RML_YAML_MAP && !top->key.data;
}

static rml_status fail_duplicate(const rml_yaml *first, const rml_yaml *again, rml_error *err)
{
    return rml_fail(err, RML_ERR_DATA, again->key_at, NULL,
                    "expected each key once, found \"%.*s\" again; it stands in line %u too",
                    RML_FMT(again->key), first->key_at.line);
}

// Few keys are compared in pairs, many through a map.
static rml_status check_keys(const rml_yaml *map, rml_error *err)
{
    rml_map seen = {0};
    rml_status st = RML_OK;
    for (const rml_yaml *m = map->child; m && st == RML_OK; m = m->next) {
        const rml_yaml *first = m;
        if (map->count <= 16) {
            for (first = map->child; !rml_str_equal(first->key, m->key); first = first->next) {
            }
        } else {
            uint64_t address;
            if (rml_map_get(&seen, m->key, &address)) {
                first = (const rml_yaml *)(uintptr_t)address;
            } else {
                st = rml_map_put(&seen, m->key, (uintptr_t)m, err);
            }
        }
        if (first != m) {
            st = fail_duplicate(first, m, err);
        }
    }
    rml_map_reset(&seen);
    return st;
}

static rml_status take_event(builder *b, const yaml_event_t *e, rml_error *err)
{
    switch (e->type) {
    case YAML_ALIAS_EVENT:
        return refuse(b, e, "each value written out", "an alias (*)", err);
    case YAML_DOCUMENT_START_EVENT:
        return b->levels[0].last ? refuse(b, e, "one document", "a second one", err) : RML_OK;
    case YAML_SCALAR_EVENT:
        RML_TRY(refuse_extras(b, e, e->data.scalar.anchor, e->data.scalar.tag, err));
        return wants_key(b) ? take_key(b, &b->levels[b->depth], e, err)
                            : add_node(b, RML_YAML_SCALAR, e, err);
    case YAML_SEQUENCE_START_EVENT:
        RML_TRY(
            refuse_extras(b, e, e->data.sequence_start.anchor, e->data.sequence_start.tag, err));
        return wants_key(b) ? refuse(b, e, "a key of plain text", "a list", err)
                            : open_container(b, RML_YAML_LIST, e, err);
    case YAML_MAPPING_START_EVENT:
        RML_TRY(refuse_extras(b, e, e->data.mapping_start.anchor, e->data.mapping_start.tag, err));
        return wants_key(b) ? refuse(b, e, "a key of plain text", "a map", err)
                            : open_container(b, RML_YAML_MAP, e, err);
    case YAML_SEQUENCE_END_EVENT:
        b->depth--;
        return RML_OK;
    case YAML_MAPPING_END_EVENT:
        return check_keys(b->levels[b->depth--].node, err);
    default:
        return RML_OK;
    }
}

static rml_status build(builder *b, yaml_parser_t *parser, rml_error *err)
{
    for (bool over = false; !over;) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event)) {
            return fail_parser(b, parser, err);
        }
        rml_status st = take_event(b, &event, err);
        over = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
        RML_TRY(st);
    }
    return RML_OK;
}

rml_status rml_yaml_parse(rml_arena *arena, rml_str text, rml_str file, const rml_yaml **out,
                          rml_error *err)
{
    if (text.len > TEXT_SIZE_MAX) {
        return rml_fail(err, RML_ERR_LIMIT, rml_place_file(file), NULL,
                        "expected at most %d bytes of YAML, found %zu", TEXT_SIZE_MAX, text.len);
    }
    rml_yaml *root = RML_NEW(arena, rml_yaml), *empty = RML_NEW(arena, rml_yaml);
    builder b = {.arena = arena, .file = rml_arena_str(arena, file), .levels = {{.node = root}}};
    yaml_parser_t parser;
    if (!root || !empty || !b.file.data || !yaml_parser_initialize(&parser)) {
        return rml_fail_memory(err, sizeof parser);
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const uint8_t *)(text.data ? text.data : ""), text.len);
    rml_status st = build(&b, &parser, err);
    yaml_parser_delete(&parser);
    if (st == RML_OK) {
        *empty = (rml_yaml){.kind = RML_YAML_MAP, .at = rml_place_line(b.file, 1, 1)};
        *out = root->child ? root->child : empty;
    }
    return st;
}
