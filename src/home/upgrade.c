// The format of a home, and bringing one of the format before to that of today.
#include "open.h"

rml_status rml_home_format(rml_home *home, rml_str *out, rml_error *err)
{
    rml_error found = {0};
    rml_status st = rml_catalog_value_get(home->catalog, RML_STR(RML_HOME_FORMAT_KEY), &home->arena,
                                          out, &found);
    if (st == RML_ERR_MISSING) {
        *out = RML_STR(RML_HOME_FORMAT_BEFORE);
        return RML_OK;
    }
    if (st != RML_OK && err != NULL) {
        *err = found;
    }
    return st;
}

// A table's state of then and of today, as text.
typedef struct table_states {
    rml_str table;
    char before[RML_HASH_TEXT], after[RML_HASH_TEXT];
} table_states;

static rml_status upgrade_tables(rml_home *home, rml_home_upgrade_fn tell, void *context,
                                 rml_array *states, rml_error *err)
{
    rml_array tables = RML_ARRAY(rml_lake_table);
    rml_status st = rml_lake_tables(home->lake, &home->arena, &tables, err);
    for (size_t i = 0; st == RML_OK && i < tables.count; i++) {
        rml_str name = rml_arena_str(&home->arena, RML_AT(&tables, rml_lake_table, i)->name);
        rml_lake_upgrade_result made;
        table_states *s = rml_array_push(states, err);
        st = s == NULL || name.data == NULL ? rml_fail_memory(err, name.len)
                                            : rml_lake_upgrade(home->lake, name.data, &made, err);
        if (st == RML_OK) {
            s->table = name;
            rml_hash_text(&made.before, s->before);
            rml_hash_text(&made.after, s->after);
            st = tell(context, name, &made, err);
        }
    }
    rml_array_reset(&tables);
    return st;
}

// The catalog learns all at once.
static rml_status tell_catalog(rml_home *home, const rml_array *states, rml_error *err)
{
    RML_TRY(rml_catalog_begin(home->catalog, err));
    rml_status st = RML_OK;
    for (size_t i = 0; st == RML_OK && i < states->count; i++) {
        const table_states *s = RML_AT(states, table_states, i);
        rml_str key = rml_arena_printf(&home->arena, "state:%.*s:%s", RML_FMT(s->table), s->before);
        st = key.data == NULL
                 ? rml_fail_memory(err, 256)
                 : rml_catalog_value_set(home->catalog, key, rml_str_of(s->after), err);
    }
    st = st ? st
            : rml_catalog_value_set(home->catalog, RML_STR(RML_HOME_FORMAT_KEY),
                                    RML_STR(RML_HOME_FORMAT), err);
    if (st != RML_OK) {
        rml_catalog_abort(home->catalog);
        return st;
    }
    return rml_catalog_commit(home->catalog, err);
}

rml_status rml_home_upgrade(const char *path, rml_home_upgrade_fn tell, void *context, bool *old,
                            rml_error *err)
{
    rml_home home;
    rml_str format;
    rml_array states = RML_ARRAY(table_states);
    *old = false;
    RML_TRY(rml_home_open_any(&home, path, false, err));
    rml_status st = rml_home_format(&home, &format, err);
    *old = st == RML_OK && rml_str_equal(format, RML_STR(RML_HOME_FORMAT_BEFORE));
    if (*old) {
        st = upgrade_tables(&home, tell, context, &states, err);
        st = st ? st : tell_catalog(&home, &states, err);
    }
    rml_array_reset(&states);
    rml_home_close(&home);
    return st;
}
