// The home: a folder with settings, catalog and lake, found upwards from where a command runs.
#include "roadmill/home.h"

#include "roadmill/base/yaml.h"
#include "roadmill/store/scheme.h"

#include "open.h"

#define SETTINGS "roadmill.yaml"
static const char settings_text[] = "# Settings of this home. What is not set has its default.\n"
                                    "# origin: who made the recordings\n"
                                    "# store: another place for lake, versions, runs and models\n";
#define SETTINGS_SIZE_MAX ((size_t)1 << 20)

static rml_status in_home(rml_arena *arena, rml_str home, const char *name, rml_str *out,
                          rml_error *err)
{
    *out = rml_path_join(arena, home, rml_str_of(name));
    return out->data == NULL ? rml_fail_memory(err, home.len) : RML_OK;
}

// A catalog that is made now is one of today's format.
static rml_status open_catalog(rml_arena *arena, rml_str home, rml_catalog **out, rml_error *err)
{
    rml_str path;
    RML_TRY(in_home(arena, home, "catalog.db", &path, err));
    bool is_new = !rml_file_exists(path.data);
    RML_TRY(rml_catalog_open(path, out, err));
    rml_status st = is_new ? rml_catalog_value_set(*out, RML_STR(RML_HOME_FORMAT_KEY),
                                                   RML_STR(RML_HOME_FORMAT), err)
                           : RML_OK;
    if (st != RML_OK) {
        rml_catalog_close(*out);
        *out = NULL;
    }
    return st;
}

static rml_status init(rml_arena *arena, rml_str home, rml_error *err)
{
    static const char *const folders[] = {"lake", "versions", "runs", "models"};
    RML_TRY(rml_folder_make(home.data, err));
    rml_str path;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        RML_TRY(in_home(arena, home, folders[i], &path, err));
        RML_TRY(rml_folder_make(path.data, err));
    }
    rml_catalog *catalog;
    RML_TRY(open_catalog(arena, home, &catalog, err));
    rml_catalog_close(catalog);
    RML_TRY(in_home(arena, home, SETTINGS, &path, err));
    if (rml_file_exists(path.data)) {
        return RML_OK;
    }
    return rml_file_replace(path.data, rml_bytes_of(settings_text, sizeof settings_text - 1), err);
}

// The catalog is a file that SQLite locks.
static rml_status local_home(rml_arena *arena, rml_str given, rml_str *out, rml_error *err)
{
    const rml_store_scheme *scheme;
    RML_TRY(rml_store_scheme_of(given, &scheme, err));
    return scheme->path != NULL
               ? rml_store_path(given, arena, out, err)
               : rml_fail(err, RML_ERR_UNSUPPORTED, rml_place_file(given),
                          "make a home on a local disk and say store: URI in its " SETTINGS,
                          "expected a local folder, for the catalog, found an object of scheme %s",
                          scheme->name);
}

rml_status rml_home_init(const char *path, rml_error *err)
{
    rml_arena arena = {0};
    rml_str home;
    rml_status st = local_home(&arena, rml_str_of(path), &home, err);
    st = st ? st : init(&arena, home, err);
    rml_arena_reset(&arena);
    return st;
}

static bool is_home(rml_arena *arena, rml_str folder)
{
    rml_str settings = rml_path_join(arena, folder, RML_STR(SETTINGS));
    return settings.data != NULL && rml_file_exists(settings.data);
}

// The folder itself, its child "roadmill", then the same of its parents.
static rml_status find_upwards(rml_arena *arena, rml_str *out, rml_error *err)
{
    rml_str folder;
    RML_TRY(rml_path_absolute(".", arena, &folder, err));
    for (;;) {
        rml_str child = rml_path_join(arena, folder, RML_STR("roadmill"));
        if (is_home(arena, folder)) {
            *out = folder;
            return RML_OK;
        }
        if (child.data != NULL && is_home(arena, child)) {
            *out = child;
            return RML_OK;
        }
        if (folder.len <= 1) {
            return RML_ERR_MISSING;
        }
        folder = rml_arena_str(arena, rml_path_folder(folder));
        if (folder.data == NULL) {
            return rml_fail_memory(err, 1);
        }
    }
}

static rml_status find(rml_arena *arena, const char *path, bool make, rml_str *out, rml_error *err)
{
    const char *given = path != NULL ? path : rml_env("ROADMILL_HOME");
    rml_status st = RML_OK;
    if (given != NULL) {
        RML_TRY(local_home(arena, rml_str_of(given), out, err));
        st = is_home(arena, *out) ? RML_OK : RML_ERR_MISSING;
    } else {
        *out = RML_STR("roadmill");
        st = find_upwards(arena, out, err);
    }
    if (st != RML_ERR_MISSING) {
        return st;
    }
    if (make) {
        return init(arena, *out, err);
    }
    return rml_fail(err, RML_ERR_MISSING, given != NULL ? rml_place_file(*out) : (rml_place){0},
                    "roadmill init DIR makes one, --home DIR names one",
                    "expected a home (a folder with " SETTINGS "), found none %s",
                    given != NULL ? "there" : "here or above");
}

// The setting `store`, from the home on; without it the home itself.
static rml_status read_settings(rml_home *home, rml_error *err)
{
    rml_arena *arena = &home->arena;
    rml_buffer text = {0};
    const rml_yaml *tree = NULL;
    rml_str file, store = {0};
    RML_TRY(in_home(arena, home->path, SETTINGS, &file, err));
    rml_status st = rml_store_get(file, SETTINGS_SIZE_MAX, &text, err);
    st = st ? st : rml_yaml_parse(arena, rml_buffer_text(&text), file, &tree, err);
    st = st ? st : rml_yaml_get_str(tree, "store", &store, err);
    rml_buffer_reset(&text);
    RML_TRY(st);
    home->store = store.len == 0 ? home->path
                  : rml_store_is_local(store) && store.data[0] != '/' &&
                          rml_str_find(store, RML_STR("://")) == store.len
                      ? rml_path_join(arena, home->path, store)
                      : rml_arena_str(arena, store);
    return home->store.data == NULL ? rml_fail_memory(err, store.len) : RML_OK;
}

rml_status rml_home_open_any(rml_home *home, const char *path, bool make, rml_error *err)
{
    *home = (rml_home){0};
    rml_str part;
    rml_status st = find(&home->arena, path, make, &home->path, err);
    st = st ? st : read_settings(home, err);
    if (!st) {
        st = in_home(&home->arena, home->store, "lake", &part, err);
    }
    if (!st) {
        st = rml_lake_open(part, &home->lake, err);
    }
    st = st ? st : open_catalog(&home->arena, home->path, &home->catalog, err);
    if (st) {
        rml_home_close(home);
    }
    return st;
}

rml_status rml_home_open(rml_home *home, const char *path, bool make, rml_error *err)
{
    rml_str format;
    RML_TRY(rml_home_open_any(home, path, make, err));
    rml_status st = rml_home_format(home, &format, err);
    if (st == RML_OK && !rml_str_equal(format, RML_STR(RML_HOME_FORMAT))) {
        bool old = rml_str_equal(format, RML_STR(RML_HOME_FORMAT_BEFORE));
        st = rml_fail(err, RML_ERR_UNSUPPORTED, rml_place_file(home->path),
                      old ? "roadmill home upgrade brings it over"
                          : "use the program that made it, or a later one",
                      "expected a home of format " RML_HOME_FORMAT ", found one of format %.*s",
                      RML_FMT(format));
    }
    if (st != RML_OK) {
        rml_home_close(home);
    }
    return st;
}

void rml_home_close(rml_home *home)
{
    rml_lake_close(home->lake);
    rml_catalog_close(home->catalog);
    rml_arena_reset(&home->arena);
    *home = (rml_home){0};
}
