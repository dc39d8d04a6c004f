// Names of the things in a home: for completion, and for "did you mean …?" where one was missed.
#include <string.h>

#include "call.h"
#include "roadmill/lake/sql.h"
#include "roadmill/model/task.h"
#include "roadmill/recipe.h"

#define NAMES_MAX 100000

static rml_status push(rml_array *names, rml_arena *arena, rml_str name, rml_error *err)
{
    const char **place = rml_array_push(names, err);
    *(place ? place : &(const char *){NULL}) = rml_arena_str(arena, name).data;
    return place != NULL && *place != NULL ? RML_OK : rml_fail_memory(err, name.len);
}

// Objects of the catalog: their names, and of those that have none the short form of the hash.
static rml_status names_of_objects(rml_home *home, const char *kind, rml_arena *arena,
                                   rml_array *names, rml_error *err)
{
    rml_array rows = RML_ARRAY(rml_object_row);
    rml_status st = rml_catalog_list(home->catalog, kind, arena, &rows, err);
    for (size_t i = 0; st == RML_OK && i < rows.count; i++) {
        const rml_object_row *row = RML_AT(&rows, rml_object_row, i);
        st = push(names, arena, row->name.len > 0 ? row->name : (rml_str){row->hash.data, 12}, err);
    }
    rml_array_reset(&rows);
    return st;
}

static rml_status names_of_tables(rml_home *home, const char *kind, rml_arena *arena,
                                  rml_array *names, rml_error *err)
{
    rml_array tables = RML_ARRAY(rml_lake_table);
    (void)kind;
    rml_status st = rml_lake_tables(home->lake, arena, &tables, err);
    for (size_t i = 0; st == RML_OK && i < tables.count; i++) {
        st = push(names, arena, RML_AT(&tables, rml_lake_table, i)->name, err);
    }
    rml_array_reset(&tables);
    return st;
}

// Ids of rows of the lake, as a list shows them.
static rml_status names_of_rows(rml_home *home, const char *kind, rml_arena *arena,
                                rml_array *names, rml_error *err)
{
    rml_rows *rows = NULL;
    rml_batch batch = {0};
    rml_str sql = rml_arena_printf(arena, "SELECT DISTINCT %s_id FROM %ss ORDER BY 1", kind, kind);
    if (sql.data == NULL) {
        return rml_fail_memory(err, 64);
    }
    RML_TRY(rml_lake_sql(home->lake, sql, &rows, err));
    rml_status st = rml_rows_all(rows, NAMES_MAX, &batch, err);
    rml_rows_close(rows);
    for (size_t i = 0; st == RML_OK && i < batch.count; i++) {
        rml_str id = rml_column_get_str(&batch.columns[0], i);
        st = push(names, arena, (rml_str){id.data, id.len == 64 ? 12 : id.len}, err);
    }
    rml_batch_reset(&batch);
    return st;
}

static rml_status names_of_recipes(rml_home *home, const char *kind, rml_arena *arena,
                                   rml_array *names, rml_error *err)
{
    (void)home, (void)kind;
    for (size_t i = 0; rml_recipe_builtin_name(i) != NULL; i++) {
        RML_TRY(push(names, arena, rml_str_of(rml_recipe_builtin_name(i)), err));
    }
    return RML_OK;
}

static rml_status names_of_tasks(rml_home *home, const char *kind, rml_arena *arena,
                                 rml_array *names, rml_error *err)
{
    const rml_task *const *tasks;
    size_t count = rml_tasks(&tasks);
    (void)home, (void)kind;
    for (size_t i = 0; i < count; i++) {
        RML_TRY(push(names, arena, rml_str_of(tasks[i]->name), err));
    }
    return RML_OK;
}

static const struct {
    const char *kind, *remedy;
    bool homeless; // the same in every home
    rml_status (*list)(rml_home *home, const char *kind, rml_arena *arena, rml_array *names,
                       rml_error *err);
} kinds[] = {
    {"dataset", "roadmill dataset list shows them", false, names_of_objects},
    {"run", "roadmill runs lists the runs", false, names_of_objects},
    {"model", "roadmill models lists them", false, names_of_objects},
    {"selection", "roadmill mine makes one", false, names_of_objects},
    {"evaluation", "roadmill eval makes one", false, names_of_objects},
    {"table", "roadmill lake tables lists them", false, names_of_tables},
    {"recording", "roadmill recordings lists them", false, names_of_rows},
    {"drive", "roadmill drives lists them", false, names_of_rows},
    {"task", NULL, true, names_of_tasks},
    {"recipe", "roadmill recipes lists them", true, names_of_recipes},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

const char *rml_kind_remedy(const char *kind)
{
    for (size_t i = 0; kind != NULL && i < KINDS; i++) {
        if (strcmp(kinds[i].kind, kind) == 0) {
            return kinds[i].remedy;
        }
    }
    return NULL;
}

static rml_status names_in(rml_home *home, rml_str kind, rml_arena *arena, rml_array *names,
                           rml_error *err)
{
    for (size_t i = 0; i < KINDS; i++) {
        if (rml_str_equal(rml_str_of(kinds[i].kind), kind)) {
            return kinds[i].list(home, kinds[i].kind, arena, names, err);
        }
    }
    return RML_OK;
}

// ---- names -------------------------------------------------------------------------------------

static bool is_homeless(rml_str kind)
{
    for (size_t i = 0; i < KINDS; i++) {
        if (rml_str_equal(rml_str_of(kinds[i].kind), kind)) {
            return kinds[i].homeless;
        }
    }
    return false;
}

static rml_status run_names(rml_call *call, rml_error *err)
{
    rml_array names = RML_ARRAY(const char *);
    rml_home *home = NULL;
    rml_status st = RML_OK;
    for (size_t i = 0; st == RML_OK && i < rml_call_count(call, "KIND"); i++) {
        rml_str kind = rml_call_at(call, "KIND", i);
        st = is_homeless(kind) ? RML_OK : rml_call_home(call, false, &home, err);
        st = st ? st : names_in(home, kind, &call->arena, &names, err);
    }
    rml_json_object(&call->writer);
    rml_json_key(&call->writer, "names");
    rml_json_list(&call->writer);
    for (size_t i = 0; st == RML_OK && i < names.count; i++) {
        rml_json_str(&call->writer, rml_str_of(*RML_AT(&names, const char *, i)));
    }
    rml_json_list_end(&call->writer);
    rml_json_object_end(&call->writer);
    rml_array_reset(&names);
    return st;
}

static const rml_option arguments[] = {
    {"KIND", .type = RML_OPTION_CHOICE, .help = "of things", .required = true, .repeated = true,
     .choices = "dataset|run|model|selection|evaluation|table|recording|drive|task|recipe"},
    {0},
};
static const rml_view view[] = {{.each = "names", .line = "{.}"}, {0}};

const rml_command rml_names_commands[] = {
    {
        .name = "names",
        .summary = "list the names of things of a kind, as completion offers them",
        .example = "roadmill names dataset",
        .arguments = arguments,
        .view = view,
        .run = run_names,
    },
    {0},
};

void rml_call_suggest(rml_call *call, rml_error *err)
{
    for (size_t i = 0; call->home_open && i < call->given.count; i++) {
        const rml_given *g = RML_AT(&call->given, rml_given, i);
        rml_array names = RML_ARRAY(const char *);
        rml_error none;
        rml_str kind = rml_str_of(g->option->kind), one;
        while (kind.len > 0) {
            kind = rml_str_cut(kind, '|', &one);
            if (names_in(&call->home, one, &call->arena, &names, &none) != RML_OK) {
                break; // what went wrong first is what is told
            }
        }
        const char *nearest =
            rml_nearest_name(g->text, (const char *const *)names.data, names.count);
        if (nearest != NULL && strcmp(nearest, g->text.data) != 0) {
            rml_str remedy = rml_arena_printf(&call->arena, "did you mean %s?%s%s", nearest,
                                              err->remedy[0] != '\0' ? " " : "", err->remedy);
            if (remedy.len < sizeof err->remedy) {
                memcpy(err->remedy, remedy.data, remedy.len + 1);
            }
            i = call->given.count;
        }
        rml_array_reset(&names);
    }
}
