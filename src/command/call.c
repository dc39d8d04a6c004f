// One call of a command: its values, its home, its document or its rows.
#include <string.h>

#include "call.h"
#include "roadmill/registry.h"
#include "roadmill/store.h"

rml_status rml_call_make(const rml_command *command, rml_call **out, rml_error *err)
{
    rml_call *call = rml_heap_make(sizeof *call);
    if (call == NULL) {
        return rml_fail_memory(err, sizeof *call);
    }
    call->command = command;
    call->given = RML_ARRAY(rml_given);
    *out = call;
    return RML_OK;
}

void rml_call_free(rml_call *call)
{
    if (call == NULL) {
        return;
    }
    if (call->stream.close != NULL) {
        call->stream.close(call->stream.context);
    }
    if (call->home_open) {
        rml_home_close(&call->home);
    }
    rml_ranks_close(call->ranks, call->failed);
    rml_pool_free(call->pool);
    rml_buffer_reset(&call->document);
    rml_array_reset(&call->given);
    rml_arena_reset(&call->arena);
    rml_heap_free(call);
}

// ---- Values in ---------------------------------------------------------------------------------

static rml_status add(rml_call *call, const rml_option *option, rml_str value, rml_error *err)
{
    rml_given given;
    RML_TRY(rml_option_parse(option, value, &given, err));
    given.text = rml_arena_str(&call->arena, value);
    rml_given *place = given.text.data != NULL ? rml_array_push(&call->given, err) : NULL;
    if (place == NULL) {
        return rml_fail_memory(err, value.len);
    }
    *place = given;
    return RML_OK;
}

rml_status rml_call_set(rml_call *call, const char *name, rml_str value, rml_error *err)
{
    const rml_option *option = rml_command_option(call->command, rml_str_of(name));
    if (option != NULL) {
        return add(call, option, value, err);
    }
    const char *nearest = rml_command_option_nearest(call->command, rml_str_of(name));
    rml_str remedy = rml_arena_printf(&call->arena, "%s%s%sroadmill %s --help lists them",
                                      nearest ? "did you mean --" : "", nearest ? nearest : "",
                                      nearest ? "? " : "", call->command->name);
    return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, remedy.data,
                    "expected an option of \"%s\", found --%s", call->command->name, name);
}

rml_status rml_call_set_i64(rml_call *call, const char *name, int64_t value, rml_error *err)
{
    rml_str text = rml_arena_printf(&call->arena, "%lld", (long long)value);
    return rml_call_set(call, name, text, err);
}

rml_status rml_call_set_f64(rml_call *call, const char *name, double value, rml_error *err)
{
    char text[RML_F64_TEXT];
    rml_format_f64(value, text);
    return rml_call_set(call, name, rml_str_of(text), err);
}

rml_status rml_call_arguments(rml_call *call, const char *const *words, size_t count,
                              rml_error *err)
{
    const rml_option *a = call->command->arguments;
    size_t at = 0;
    for (; a != NULL && a->name != NULL; a++) {
        do {
            if (at == count) {
                break;
            }
            RML_TRY(add(call, a, rml_str_of(words[at++]), err));
        } while (a->repeated);
        if (a->required && rml_call_count(call, a->name) == 0) {
            break;
        }
    }
    if (at == count && (a == NULL || a->name == NULL)) {
        return RML_OK;
    }
    char usage[RML_USAGE_TEXT];
    rml_command_usage(call->command, usage);
    rml_str remedy = rml_arena_printf(&call->arena, "for example: %s", call->command->example);
    return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, remedy.data,
                    "expected roadmill %s, found %zu arguments", usage, count);
}

void rml_call_progress(rml_call *call, const rml_progress *progress)
{
    call->progress = *progress;
}

// ---- Values out --------------------------------------------------------------------------------

size_t rml_call_count(const rml_call *call, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < call->given.count; i++) {
        count += strcmp(RML_AT(&call->given, rml_given, i)->option->name, name) == 0;
    }
    return count;
}

static const rml_given *given_at(const rml_call *call, const char *name, size_t index)
{
    for (size_t i = 0; i < call->given.count; i++) {
        const rml_given *g = RML_AT(&call->given, rml_given, i);
        if (strcmp(g->option->name, name) == 0 && index-- == 0) {
            return g;
        }
    }
    return NULL;
}

// The one given last, else the fallback in its type; all zero if there is neither.
static rml_given value_of(const rml_call *call, const char *name)
{
    rml_given value = {0};
    size_t count = rml_call_count(call, name);
    if (count > 0) {
        return *given_at(call, name, count - 1);
    }
    const rml_option *o = rml_command_option(call->command, rml_str_of(name));
    if (o != NULL && o->fallback != NULL &&
        rml_option_parse(o, rml_str_of(o->fallback), &value, NULL) != RML_OK) {
        value = (rml_given){0}; // a test walks the table: every fallback fits
    }
    return value;
}

rml_str rml_call_value(const rml_call *call, const char *name)
{
    return value_of(call, name).text;
}

bool rml_call_flag(const rml_call *call, const char *name)
{
    return rml_call_count(call, name) > 0;
}

rml_str rml_call_text(const rml_call *call, const char *name)
{
    return value_of(call, name).text;
}

const char *rml_call_path(const rml_call *call, const char *name)
{
    return value_of(call, name).text.data;
}

int64_t rml_call_i64(const rml_call *call, const char *name)
{
    return value_of(call, name).integer;
}

double rml_call_f64(const rml_call *call, const char *name)
{
    return value_of(call, name).number;
}

int rml_call_choice(const rml_call *call, const char *name)
{
    rml_given value = value_of(call, name);
    return value.option != NULL ? (int)value.integer : -1;
}

rml_str rml_call_at(const rml_call *call, const char *name, size_t index)
{
    const rml_given *g = given_at(call, name, index);
    return g != NULL ? g->text : (rml_str){0};
}

void rml_call_pair(const rml_call *call, const char *name, size_t index, rml_str *left,
                   rml_str *right)
{
    *right = rml_str_cut(rml_call_at(call, name, index), '=', left);
}

rml_status rml_call_list(rml_call *call, const char *name, rml_str **list, size_t *count,
                         rml_error *err)
{
    *list = NULL;
    *count = rml_call_count(call, name);
    if (*count == 0) {
        return RML_OK;
    }
    *list = RML_NEW_ARRAY(&call->arena, rml_str, *count);
    if (*list == NULL) {
        return rml_fail_memory(err, *count * sizeof **list);
    }
    for (size_t i = 0; i < *count; i++) {
        (*list)[i] = rml_call_at(call, name, i);
    }
    return RML_OK;
}

rml_status rml_call_read(rml_call *call, const char *name, size_t most, rml_str *text,
                         rml_error *err)
{
    rml_buffer content = {0};
    if (rml_call_path(call, name) == NULL) {
        return RML_OK;
    }
    rml_status st = rml_store_get(rml_call_text(call, name), most, &content, err);
    if (st == RML_OK) {
        *text = rml_arena_str(&call->arena, rml_buffer_text(&content));
        st = text->data != NULL ? RML_OK : rml_fail_memory(err, content.len);
    }
    rml_buffer_reset(&content);
    return st;
}

// ---- What it works on --------------------------------------------------------------------------

rml_status rml_call_home(rml_call *call, bool make, rml_home **out, rml_error *err)
{
    if (!call->home_open) {
        RML_TRY(rml_home_open(&call->home, rml_call_path(call, "home"), make, err));
        call->home_open = true;
    }
    *out = &call->home;
    return RML_OK;
}

rml_status rml_call_object(rml_call *call, const char *name, rml_object_row *out, rml_error *err)
{
    rml_home *home;
    const rml_option *o = rml_command_option(call->command, rml_str_of(name));
    RML_TRY(rml_call_home(call, false, &home, err));
    return rml_catalog_get(home->catalog, o->kind, rml_call_text(call, name), &call->arena, out,
                           err);
}

rml_status rml_call_body(rml_call *call, const rml_object_row *row, const rml_json **out,
                         rml_error *err)
{
    return rml_json_parse(&call->arena, row->body, row->hash, out, err);
}

rml_status rml_call_ranks(rml_call *call, rml_ranks **out, rml_error *err)
{
    RML_TRY(rml_ranks_open(&call->ranks, err));
    *out = call->ranks;
    if (rml_ranks_index(call->ranks) > 0) {
        call->progress.report = NULL;
    }
    return RML_OK;
}

rml_status rml_call_model(rml_call *call, const char *name, rml_str *hash, rml_str *folder,
                          rml_error *err)
{
    rml_home *home;
    rml_object_row row;
    rml_error missing;
    rml_str text = rml_call_text(call, name);
    RML_TRY(rml_call_home(call, false, &home, err));
    rml_status st = rml_model_find(home->catalog, text, &call->arena, &row, &missing);
    if (st == RML_OK) {
        *folder = rml_arena_printf(&call->arena, "%.*s/models/%.*s", RML_FMT(home->store),
                                   RML_FMT(row.name));
    } else {
        RML_TRY(rml_catalog_get(home->catalog, "run", text, &call->arena, &row, err));
        *folder = rml_arena_printf(&call->arena, "%.*s/runs/%.*s/model", RML_FMT(home->store),
                                   RML_FMT(row.hash));
    }
    *hash = row.hash;
    return folder->data ? RML_OK : rml_fail_memory(err, home->store.len);
}

// ---- Running it --------------------------------------------------------------------------------

static rml_status check_required(rml_call *call, rml_error *err)
{
    for (const rml_option *o = call->command->options; o != NULL && o->name != NULL; o++) {
        if (o->required && rml_call_count(call, o->name) == 0) {
            return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, rml_kind_remedy(o->kind),
                            "expected --%s %s, found none", o->name, o->value);
        }
    }
    return RML_OK;
}

static rml_status run(rml_call *call, rml_error *err)
{
    size_t threads = (size_t)rml_call_i64(call, "threads");
    RML_TRY(check_required(call, err));
    RML_TRY(rml_pool_make(threads > 0 ? threads : rml_thread_count(), &call->pool, err));
    rml_json_writer_init(&call->writer, &call->document, err);
    RML_TRY(call->command->run(call, err));
    return call->document.len > 0 ? rml_json_finish(&call->writer) : RML_OK;
}

rml_status rml_command_call(rml_call *call, rml_error *err)
{
    rml_error own = {0};
    err = err != NULL ? err : &own;
    rml_status st = run(call, err);
    call->failed = st != RML_OK;
    if (st == RML_ERR_MISSING) {
        rml_call_suggest(call, err);
    }
    return st;
}

rml_str rml_call_document(const rml_call *call)
{
    return rml_buffer_text(&call->document);
}

bool rml_call_streams(const rml_call *call)
{
    return call->stream.next != NULL;
}

const char *rml_call_media(const rml_call *call)
{
    return call->stream.media != NULL ? call->stream.media : "application/json";
}

rml_status rml_call_next(rml_call *call, rml_buffer *row, rml_error *err)
{
    RML_TRY(rml_progress_check(&call->progress, call->command->name, err));
    rml_status st = call->stream.next(call->stream.context, row, err);
    call->failed = st != RML_OK && st != RML_END;
    return st;
}

bool rml_call_lossy(const rml_call *call)
{
    return call->lossy;
}

rml_str rml_call_home_path(const rml_call *call)
{
    return call->home_open ? call->home.path : (rml_str){0};
}

size_t rml_call_rank(const rml_call *call)
{
    return rml_ranks_index(call->ranks);
}
