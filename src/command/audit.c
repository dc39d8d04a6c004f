// Commands on the audit chain: who did what to the catalog, and whether that was tampered with.
#include "call.h"

static rml_status run_verify(rml_call *call, rml_error *err)
{
    rml_home *home;
    rml_hash head;
    int64_t count;
    RML_TRY(rml_call_home(call, false, &home, err));
    rml_error fault = {0};
    rml_status st =
        rml_audit_verify(home->catalog, rml_call_text(call, "head"), &head, &count, &fault);
    if (st != RML_OK && st != RML_ERR_CONFLICT) {
        *err = fault;
        return st;
    }
    call->lossy = st != RML_OK;
    char text[RML_HASH_TEXT], line[1200];
    rml_hash_text(&head, text);
    rml_error_text(&fault, line, sizeof line);
    rml_json_writer *w = &call->writer;
    rml_json_object(w);
    rml_json_kv_bool(w, "intact", st == RML_OK);
    rml_json_kv_i64(w, "entries", count);
    rml_json_kv_str(w, "head", rml_str_of(text));
    rml_json_kv_str(w, "fault", rml_str_of(line));
    rml_json_object_end(w);
    return RML_OK;
}

static void write_entry(rml_json_writer *w, const rml_audit_entry *e)
{
    rml_json_object(w);
    rml_json_kv_i64(w, "sequence", e->sequence);
    rml_json_kv_ns(w, "time_ns", e->time_ns);
    rml_json_kv_str(w, "actor", e->actor);
    rml_json_kv_str(w, "action", e->action);
    rml_json_kv_str(w, "subject", e->subject);
    rml_json_kv_str(w, "details", e->details);
    rml_json_kv_str(w, "previous", e->previous);
    rml_json_kv_str(w, "hash", e->hash);
    rml_json_object_end(w);
}

static rml_status run_list(rml_call *call, rml_error *err)
{
    rml_home *home;
    rml_array entries = RML_ARRAY(rml_audit_entry);
    RML_TRY(rml_call_home(call, false, &home, err));
    rml_status st = rml_audit_list(home->catalog, &call->arena, &entries, err);
    rml_json_list(&call->writer);
    for (size_t i = 0; st == RML_OK && i < entries.count; i++) {
        write_entry(&call->writer, RML_AT(&entries, rml_audit_entry, i));
    }
    rml_json_list_end(&call->writer);
    rml_array_reset(&entries);
    return st;
}

static const rml_option verify_options[] = {
    {"head", .type = RML_OPTION_TEXT, .value = "HASH",
     .help = "the head printed by an earlier verify: finds entries cut off since"},
    {0},
};
static const rml_view verify_view[] = {
    {.when = "{intact!}", .line = "broken after {entries} good entries: {fault}"},
    {.when = "{intact?}"},
    {.line = "{entries} entries, none altered, missing or moved"},
    {.line = "head {head}"},
    {.line = "keep the head elsewhere; audit verify --head finds entries cut off later"},
    {0},
};
static const rml_view list_view[] = {
    {.each = "",
     .table = "entry=sequence | time=time_ns:time | actor | action | subject | hash:id"},
    {0},
};

const rml_command rml_audit_commands[] = {
    {
        .name = "audit verify",
        .summary = "check that no entry of the audit chain was altered, moved or removed",
        .example = "roadmill audit verify",
        .options = verify_options,
        .view = verify_view,
        .run = run_verify,
    },
    {
        .name = "audit list",
        .summary = "list who did what, oldest first",
        .example = "roadmill audit list",
        .view = list_view,
        .run = run_list,
    },
    {0},
};
