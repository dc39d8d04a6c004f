// Commands on the audit chain: who did what to the catalog, and whether that was tampered with.
#include <string.h>

#include "command.h"
#include "roadmill/catalog.h"

static rml_status run_verify(rml_cli *cli, rml_error *err)
{
    rml_home *home;
    rml_hash head;
    int64_t count;
    RML_TRY(rml_cli_home(cli, false, &home, err));
    rml_str expected = rml_str_of(rml_cli_value(cli, "--head"));
    rml_error fault = {0};
    rml_status st = rml_audit_verify(home->catalog, expected, &head, &count, &fault);
    if (st != RML_OK && st != RML_ERR_CONFLICT) {
        if (err) {
            *err = fault;
        }
        return st;
    }
    cli->exit_code = st == RML_OK ? 0 : 3;
    char text[RML_HASH_TEXT], line[1200];
    rml_hash_text(&head, text);
    rml_error_text(&fault, line, sizeof line);
    if (cli->json) {
        rml_json_object(&cli->writer);
        rml_json_kv_bool(&cli->writer, "intact", st == RML_OK);
        rml_json_kv_i64(&cli->writer, "entries", count);
        rml_json_kv_str(&cli->writer, "head", rml_str_of(text));
        rml_json_kv_str(&cli->writer, "fault", rml_str_of(line));
        rml_json_object_end(&cli->writer);
    } else if (st == RML_OK) {
        rml_cli_print(cli,
                      "%lld entries, none altered, missing or moved\nhead %s\n"
                      "keep the head elsewhere; audit verify --head finds entries cut off later\n",
                      (long long)count, text);
    } else {
        rml_cli_print(cli, "broken after %lld good entries: %s\n", (long long)count, line);
    }
    return RML_OK;
}

static void print_json(rml_cli *cli, const rml_array *entries)
{
    rml_json_list(&cli->writer);
    for (size_t i = 0; i < entries->count; i++) {
        const rml_audit_entry *e = RML_AT(entries, rml_audit_entry, i);
        rml_json_object(&cli->writer);
        rml_json_kv_i64(&cli->writer, "sequence", e->sequence);
        rml_json_kv_ns(&cli->writer, "time_ns", e->time_ns);
        rml_json_kv_str(&cli->writer, "actor", e->actor);
        rml_json_kv_str(&cli->writer, "action", e->action);
        rml_json_kv_str(&cli->writer, "subject", e->subject);
        rml_json_kv_str(&cli->writer, "details", e->details);
        rml_json_kv_str(&cli->writer, "previous", e->previous);
        rml_json_kv_str(&cli->writer, "hash", e->hash);
        rml_json_object_end(&cli->writer);
    }
    rml_json_list_end(&cli->writer);
}

static rml_status run_list(rml_cli *cli, rml_error *err)
{
    static const char *const heads[] = {"entry", "time", "actor", "action", "subject", "hash"};
    rml_home *home;
    rml_array entries = RML_ARRAY(rml_audit_entry);
    RML_TRY(rml_cli_home(cli, false, &home, err));
    rml_status st = rml_audit_list(home->catalog, &cli->arena, &entries, err);
    if (st == RML_OK && cli->json) {
        print_json(cli, &entries);
    } else if (st == RML_OK) {
        rml_cli_table t;
        rml_cli_table_begin(&t, heads, 6);
        for (size_t i = 0; i < entries.count; i++) {
            const rml_audit_entry *e = RML_AT(&entries, rml_audit_entry, i);
            char time[40];
            rml_clock_text(e->time_ns, time);
            rml_cli_table_cell(cli, &t, "%lld", (long long)e->sequence);
            rml_cli_table_cell(cli, &t, "%.19s", time);
            rml_cli_table_cell(cli, &t, "%.*s", RML_FMT(e->actor));
            rml_cli_table_cell(cli, &t, "%.*s", RML_FMT(e->action));
            rml_cli_table_cell(cli, &t, "%.*s", RML_FMT(e->subject));
            rml_cli_table_cell(cli, &t, "%.12s", e->hash.data);
        }
        rml_cli_table_end(cli, &t);
    }
    rml_array_reset(&entries);
    return st;
}

static const rml_option verify_options[] = {
    {"--head", "HASH", "the head printed by an earlier verify: finds entries cut off since"},
};

static const rml_command commands[] = {
    {
        .name = "audit verify",
        .arguments = "",
        .summary = "check that no entry of the audit chain was altered, moved or removed",
        .example = "roadmill audit verify",
        .options = verify_options,
        .option_count = sizeof verify_options / sizeof *verify_options,
        .run = run_verify,
    },
    {
        .name = "audit list",
        .arguments = "",
        .summary = "list who did what, oldest first",
        .example = "roadmill audit list",
        .run = run_list,
    },
};

const rml_command_group rml_audit_commands = {commands, sizeof commands / sizeof *commands};
