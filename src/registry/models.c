// Registered models: a bundle is copied beside, hashed, made visible as HOME/models/NAME/N and put
// into the catalog. A kill in between leaves a folder that the next call recognises by its files.
#include "roadmill/base/json.h"
#include "roadmill/codec.h"
#include "roadmill/registry.h"
#include "roadmill/store.h"

#include <string.h>

enum { NAME_MOST = 64, NUMBER_MOST = 1000000 };

typedef struct registration {
    rml_catalog *catalog;
    rml_str name, run, folder; // folder: HOME/models/NAME
    rml_store_folder made;     // the copy
    rml_arena *arena;
    rml_str body; // canonical JSON
    char hash[RML_HASH_TEXT];
} registration;

static rml_status check_name(rml_str name, rml_error *err)
{
    bool good = name.len > 0 && name.len <= NAME_MOST && name.data[0] != '.';
    for (size_t i = 0; i < name.len && good; i++) {
        char c = name.data[i];
        good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == '-';
    }
    return good ? RML_OK
                : rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                           "expected a model's name of at most %d letters, digits, '.', '_' and "
                           "'-', found \"%.*s\"",
                           NAME_MOST, RML_FMT(name));
}

// ---- Content -----------------------------------------------------------------------------------

static rml_status write_file(rml_json_writer *w, rml_str folder, rml_str path, rml_error *err)
{
    rml_object file;
    rml_hash hash;
    char text[RML_HASH_TEXT];
    RML_TRY(rml_object_open(&file, path, err));
    rml_status st = rml_sha256(file.bytes.data, file.bytes.len, &hash);
    rml_hash_text(&hash, text);
    rml_str inside = {path.data + folder.len + 1, path.len - folder.len - 1};
    rml_json_object(w);
    rml_json_kv_str(w, "path", inside);
    rml_json_kv_i64(w, "bytes", (int64_t)file.bytes.len);
    rml_json_kv_str(w, "sha256", rml_str_of(text));
    rml_json_object_end(w);
    rml_object_close(&file);
    return st == RML_OK ? RML_OK : rml_fail_memory(err, sizeof hash);
}

static rml_status write_body(const registration *r, rml_str folder, const rml_array *paths,
                             rml_buffer *out, rml_error *err)
{
    rml_json_writer w;
    rml_json_writer_init(&w, out, err);
    rml_json_object(&w);
    rml_json_key(&w, "files");
    rml_json_list(&w);
    for (size_t i = 0; i < paths->count; i++) {
        RML_TRY(write_file(&w, folder, *RML_AT(paths, rml_str, i), err));
    }
    rml_json_list_end(&w);
    rml_json_kv_str(&w, "kind", RML_STR("model"));
    rml_json_kv_str(&w, "name", r->name);
    rml_json_kv_str(&w, "run", r->run);
    rml_json_object_end(&w);
    return rml_json_finish(&w);
}

// What a folder would be registered as: its body and hash.
static rml_status describe_folder(const registration *r, rml_str folder, rml_str *body,
                                  char hash_text[RML_HASH_TEXT], rml_error *err)
{
    rml_array paths = RML_ARRAY(rml_str);
    rml_buffer text = {0};
    rml_hash hash;
    rml_status st = rml_store_walk(folder, r->arena, &paths, err);
    if (st == RML_OK && paths.count == 0) {
        st = rml_fail(err, RML_ERR_ARGUMENT, rml_place_file(folder), NULL,
                      "expected a bundle with files, found an empty folder");
    }
    // Members are written in the order that the canonical form has, so the text is that form.
    st = st ? st : write_body(r, folder, &paths, &text, err);
    st = st ? st : rml_json_text_hash(rml_buffer_text(&text), &hash, err);
    if (st == RML_OK) {
        rml_hash_text(&hash, hash_text);
        *body = rml_arena_str(r->arena, rml_buffer_text(&text));
        st = body->data ? RML_OK : rml_fail_memory(err, text.len);
    }
    rml_buffer_reset(&text);
    rml_array_reset(&paths);
    return st;
}

static rml_status copy_file(rml_arena *arena, rml_str path, rml_str inside, rml_str to,
                            rml_error *err)
{
    rml_object file;
    rml_str target = rml_path_join(arena, to, inside);
    rml_str parent = target.data ? rml_arena_str(arena, rml_path_folder(target)) : target;
    if (!parent.data) {
        return rml_fail_memory(err, path.len);
    }
    RML_TRY(rml_folder_make(parent.data, err));
    RML_TRY(rml_object_open(&file, path, err));
    rml_status st = rml_file_put_new(target.data, file.bytes, err);
    rml_object_close(&file);
    return st;
}

static rml_status copy_bundle(const registration *r, rml_str bundle, rml_str to, rml_error *err)
{
    rml_array paths = RML_ARRAY(rml_str);
    rml_status st = rml_store_walk(bundle, r->arena, &paths, err);
    for (size_t i = 0; i < paths.count && st == RML_OK; i++) {
        rml_str path = *RML_AT(&paths, rml_str, i);
        rml_str inside = {path.data + bundle.len + 1, path.len - bundle.len - 1};
        st = copy_file(r->arena, path, inside, to, err);
    }
    rml_array_reset(&paths);
    return st;
}

// ---- The catalog -------------------------------------------------------------------------------

static rml_status put_all(const registration *r, rml_str label, rml_error *err)
{
    rml_str hash = rml_str_of(r->hash);
    rml_object_row row = {.kind = RML_STR("model"), .hash = hash, .name = label, .body = r->body};
    RML_TRY(rml_catalog_put(r->catalog, &row, err));
    rml_edge edge = {hash, r->run, RML_STR("run")};
    if (r->run.len > 0) {
        RML_TRY(rml_catalog_link(r->catalog, &edge, err));
    }
    rml_str details = rml_arena_printf(r->arena, "{\"hash\":\"%s\"}", r->hash);
    return details.data ? rml_audit_add(r->catalog, RML_STR("registry"), RML_STR("register"), label,
                                        details, err)
                        : rml_fail_memory(err, 80);
}

static rml_status put_in_catalog(const registration *r, rml_str label, rml_error *err)
{
    RML_TRY(rml_catalog_begin(r->catalog, err));
    rml_status st = put_all(r, label, err);
    if (st == RML_OK) {
        return rml_catalog_commit(r->catalog, err);
    }
    rml_catalog_abort(r->catalog);
    return st;
}

// ---- Numbers -----------------------------------------------------------------------------------

// RML_OK: NAME/number is this very bundle. RML_END: it is another one.
static rml_status compare_number(const registration *r, rml_str label, rml_str folder,
                                 rml_error *err)
{
    rml_object_row row;
    rml_error missing;
    rml_status st = rml_catalog_get(r->catalog, "model", label, r->arena, &row, &missing);
    if (st == RML_OK) {
        return rml_str_equal(row.hash, rml_str_of(r->hash)) ? RML_OK : RML_END;
    }
    if (st != RML_ERR_MISSING) {
        if (err) {
            *err = missing;
        }
        return st;
    }
    // A folder that a kill left without its row.
    rml_str body;
    char hash[RML_HASH_TEXT];
    RML_TRY(describe_folder(r, folder, &body, hash, err));
    return strcmp(hash, r->hash) == 0 ? put_in_catalog(r, label, err) : RML_END;
}

// RML_END: the number is another bundle's, or of one that was not finished.
static rml_status take_number(registration *r, rml_str label, rml_str folder, rml_error *err)
{
    rml_error taken = {0};
    bool there;
    RML_TRY(rml_store_folder_has(folder, &there, err));
    if (there) {
        return compare_number(r, label, folder, err);
    }
    rml_status st = rml_store_folder_commit(&r->made, folder, &taken);
    if (st == RML_OK) {
        return put_in_catalog(r, label, err);
    }
    if (st == RML_ERR_EXISTS || st == RML_ERR_CONFLICT) {
        return RML_END;
    }
    if (err != NULL) {
        *err = taken;
    }
    return st;
}

static rml_status place_bundle(registration *r, uint32_t *number, rml_error *err)
{
    for (*number = 1; *number <= NUMBER_MOST; ++*number) {
        rml_str folder = rml_arena_printf(r->arena, "%s/%u", r->folder.data, *number);
        rml_str label = rml_arena_printf(r->arena, "%.*s/%u", RML_FMT(r->name), *number);
        if (!folder.data || !label.data) {
            return rml_fail_memory(err, r->folder.len);
        }
        rml_status st = take_number(r, label, folder, err);
        if (st != RML_END) {
            return st;
        }
    }
    return rml_fail(err, RML_ERR_LIMIT, rml_place_file(r->folder), NULL,
                    "expected at most %d models of one name", NUMBER_MOST);
}

static rml_status register_locked(registration *r, rml_str bundle, uint32_t *number, rml_error *err)
{
    rml_str beside = rml_path_join(r->arena, r->folder, RML_STR(".making"));
    if (!beside.data) {
        return rml_fail_memory(err, r->folder.len);
    }
    // The copy is hashed, not the bundle, which somebody may be changing.
    RML_TRY(rml_store_folder_begin(&r->made, beside, err));
    rml_status st = copy_bundle(r, bundle, r->made.path, err);
    st = st ? st : describe_folder(r, r->made.path, &r->body, r->hash, err);
    st = st ? st : place_bundle(r, number, err);
    rml_store_folder_close(&r->made);
    return st;
}

rml_status rml_model_register(rml_str home, rml_catalog *catalog, rml_str name,
                              const char *bundle_folder, rml_str run, rml_arena *arena,
                              rml_str *hash, uint32_t *number, rml_error *err)
{
    RML_TRY(check_name(name, err));
    registration r = {.catalog = catalog, .name = name, .run = run, .arena = arena};
    rml_str bundle = rml_str_of(bundle_folder);
    while (bundle.len > 1 && bundle.data[bundle.len - 1] == '/') {
        bundle.len--;
    }
    bundle = rml_arena_str(arena, bundle);
    r.folder = rml_arena_printf(arena, "%.*s/models/%.*s", RML_FMT(home), RML_FMT(name));
    if (!bundle.data || !r.folder.data) {
        return rml_fail_memory(err, home.len);
    }
    RML_TRY(rml_store_folder_make(r.folder, err));
    rml_lock lock = {0};
    RML_TRY(rml_store_lock(&lock, r.folder, true, err));
    rml_status st = register_locked(&r, bundle, number, err);
    rml_lock_drop(&lock);
    if (st == RML_OK) {
        *hash = rml_arena_str(arena, rml_str_of(r.hash));
        st = hash->data ? RML_OK : rml_fail_memory(err, RML_HASH_TEXT);
    }
    return st;
}
