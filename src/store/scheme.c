// Which schemes there are. The first row is that of local files; others are added.
#include "roadmill/store/scheme.h"

#include <assert.h>

#include "place.h"

#define ADDED_MAX 8
#define FILE_PREFIX "file://"

static rml_status file_path(void *context, rml_str uri, rml_arena *arena, rml_str *path,
                            rml_error *err)
{
    (void)context;
    rml_str rest = uri;
    if (rml_str_starts(uri, RML_STR(FILE_PREFIX))) {
        rest = (rml_str){uri.data + sizeof FILE_PREFIX - 1, uri.len - sizeof FILE_PREFIX + 1};
        if (rest.len == 0 || rest.data[0] != '/') {
            return rml_fail(err, RML_ERR_ARGUMENT, rml_place_file(uri), NULL,
                            "expected file:///absolute/path, found no slash behind file://");
        }
    }
    if (rest.len == 0) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected a path, found an empty one");
    }
    *path = rml_arena_str(arena, rest);
    return path->data == NULL ? rml_fail_memory(err, rest.len) : RML_OK;
}

static const rml_store_scheme files = {.name = "file", .path = file_path};

// State of the process: a URI names its scheme wherever it comes from, so the rows cannot be
// handed to each function that takes one.
static const rml_store_scheme *added[ADDED_MAX];
static size_t added_count;

static const rml_store_scheme *row_at(size_t index)
{
    return index == 0 ? &files : added[index - 1];
}

// RFC 3986 section 3.1, where "://" follows; length 0: a plain path.
static rml_str scheme_name(rml_str uri)
{
    size_t end = rml_str_find(uri, RML_STR("://"));
    bool named = end > 0 && end < uri.len;
    for (size_t i = 0; named && i < end; i++) {
        char c = uri.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        named = letter || (i > 0 && ((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.'));
    }
    return (rml_str){uri.data, named ? end : 0};
}

static const rml_store_scheme *find(rml_str name)
{
    for (size_t i = 0; i <= added_count; i++) {
        if (rml_str_equal(name, rml_str_of(row_at(i)->name))) {
            return row_at(i);
        }
    }
    return NULL;
}

rml_status rml_store_add(const rml_store_scheme *scheme, rml_error *err)
{
    assert(scheme->path ||
           (scheme->head && scheme->read && scheme->put && scheme->remove && scheme->list));
    if (find(rml_str_of(scheme->name)) != NULL) {
        return rml_fail(err, RML_ERR_EXISTS, (rml_place){0}, NULL,
                        "expected a scheme without a row, found one for \"%s\"", scheme->name);
    }
    if (added_count == ADDED_MAX) {
        return rml_fail(err, RML_ERR_LIMIT, (rml_place){0}, NULL,
                        "expected at most %d schemes beside file, found more", ADDED_MAX);
    }
    added[added_count++] = scheme;
    return RML_OK;
}

static rml_status fail_unknown(rml_str uri, rml_str name, rml_error *err)
{
    rml_arena arena = {0};
    rml_str known = rml_str_of(files.name);
    for (size_t i = 0; known.data != NULL && i < added_count; i++) {
        known = rml_arena_printf(&arena, "%.*s, %s", RML_FMT(known), added[i]->name);
    }
    rml_status st =
        known.data == NULL
            ? rml_fail_memory(err, 1)
            : rml_fail(err, RML_ERR_UNSUPPORTED, rml_place_file(uri), "give a path on a local disk",
                       "expected a path or a scheme that a store knows (%.*s), found "
                       "\"%.*s\", which none knows",
                       RML_FMT(known), RML_FMT(name));
    rml_arena_reset(&arena);
    return st;
}

rml_status rml_store_scheme_of(rml_str uri, const rml_store_scheme **out, rml_error *err)
{
    rml_str name = scheme_name(uri);
    *out = name.len == 0 ? &files : find(name);
    return *out != NULL ? RML_OK : fail_unknown(uri, name, err);
}

rml_status rml_store_place_of(rml_store_place *p, rml_str uri, rml_error *err)
{
    *p = (rml_store_place){.uri = uri};
    RML_TRY(rml_store_scheme_of(uri, &p->scheme, err));
    if (p->scheme->path == NULL) {
        while (p->uri.len > 0 && p->uri.data[p->uri.len - 1] == '/') {
            p->uri.len--;
        }
        return RML_OK;
    }
    rml_status st = p->scheme->path(p->scheme->context, uri, &p->arena, &p->path, err);
    if (st) {
        rml_store_place_reset(p);
    }
    return st;
}

void rml_store_place_reset(rml_store_place *p)
{
    rml_arena_reset(&p->arena);
    *p = (rml_store_place){0};
}

rml_status rml_store_path(rml_str uri, rml_arena *arena, rml_str *path, rml_error *err)
{
    const rml_store_scheme *s;
    RML_TRY(rml_store_scheme_of(uri, &s, err));
    return s->path != NULL
               ? s->path(s->context, uri, arena, path, err)
               : rml_fail(err, RML_ERR_UNSUPPORTED, rml_place_file(uri),
                          "give a path on a local disk",
                          "expected a local path, found an object of scheme %s", s->name);
}

rml_status rml_store_absolute(rml_str uri, rml_arena *arena, rml_str *out, rml_error *err)
{
    rml_store_place p;
    RML_TRY(rml_store_place_of(&p, uri, err));
    rml_status st = RML_OK;
    if (p.path.data != NULL) {
        st = rml_path_absolute(p.path.data, arena, out, err);
    } else {
        *out = rml_arena_str(arena, p.uri);
        st = out->data == NULL ? rml_fail_memory(err, p.uri.len) : RML_OK;
    }
    rml_store_place_reset(&p);
    return st;
}

bool rml_store_is_local(rml_str uri)
{
    const rml_store_scheme *s;
    return rml_store_scheme_of(uri, &s, NULL) == RML_OK && s->path != NULL;
}
