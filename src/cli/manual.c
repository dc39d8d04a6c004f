// `manual`: the page roadmill(1), made from the table of commands, in the language of man(7).
#include "state.h"

// Text for a page: a backslash and a hyphen are escaped, a line never begins with a control
// character.
static rml_status put_text(rml_buffer *out, const char *text, rml_error *err)
{
    for (; *text != '\0'; text++) {
        if (*text == '\\') {
            RML_TRY(rml_buffer_str(out, RML_STR("\\e"), err));
        } else if (*text == '-') {
            RML_TRY(rml_buffer_str(out, RML_STR("\\-"), err));
        } else {
            RML_TRY(rml_buffer_append(out, text, 1, err));
        }
    }
    return RML_OK;
}

// A line of its own: MACRO text.
static rml_status put_line(rml_buffer *out, const char *before, const char *text, const char *after,
                           rml_error *err)
{
    RML_TRY(rml_buffer_str(out, rml_str_of(before), err));
    RML_TRY(put_text(out, text, err));
    return rml_buffer_str(out, rml_str_of(after), err);
}

static rml_status put_options(rml_buffer *out, const rml_option *options, size_t count,
                              rml_error *err)
{
    for (size_t i = 0; i < count; i++) {
        RML_TRY(put_line(out, ".TP\n\\fB", options[i].name, "\\fR", err));
        if (options[i].value != NULL) {
            RML_TRY(put_line(out, " \\fI", options[i].value, "\\fR", err));
        }
        RML_TRY(put_line(out, "\n\\&", options[i].help, "\n", err));
    }
    return RML_OK;
}

static rml_status put_command(rml_buffer *out, const rml_command *c, rml_error *err)
{
    RML_TRY(put_line(out, ".SS \"roadmill ", c->name, "", err));
    RML_TRY(put_line(out, c->arguments[0] != '\0' ? " " : "", c->arguments, "\"\n", err));
    RML_TRY(put_line(out, "\\&", c->summary, "\n", err));
    RML_TRY(put_options(out, c->options, c->option_count, err));
    return put_line(out, ".PP\nExample:\n.PP\n.RS\n.nf\n\\&", c->example, "\n.fi\n.RE\n", err);
}

static rml_status put_page(rml_buffer *out, rml_error *err)
{
    RML_TRY(put_line(out, ".TH ROADMILL 1 \"\" \"roadmill ", RML_VERSION, "\"\n", err));
    RML_TRY(rml_buffer_str(
        out,
        RML_STR(
            ".SH NAME\nroadmill \\- the data flywheel of autonomous driving\n"
            ".SH SYNOPSIS\n.B roadmill\n.I command\n[\\fIarguments\\fR] [\\fIoptions\\fR]\n"
            ".SH DESCRIPTION\nRecordings go in; an open lake, situations, immutable dataset "
            "versions, models, their\nevidence, a verdict, deployable code and the next dataset "
            "come out.\n"
            ".SH OPTIONS\nFor every command:\n"),
        err));
    RML_TRY(put_options(out, rml_cli_common, rml_cli_common_count, err));
    RML_TRY(rml_buffer_str(out, RML_STR(".SH COMMANDS\n"), err));
    for (size_t g = 0; g < rml_command_group_count; g++) {
        for (size_t i = 0; i < rml_command_groups[g]->count; i++) {
            RML_TRY(put_command(out, &rml_command_groups[g]->commands[i], err));
        }
    }
    return rml_buffer_str(
        out,
        RML_STR(
            ".SH EXIT STATUS\n0 done, 1 failed, 2 wrong usage, 3 done with loss or a check that "
            "did not hold,\n130 stopped (run it again to go on).\n"
            ".SH ENVIRONMENT\n.TP\nROADMILL_HOME\nthe home to work in\n"
            ".TP\nROADMILL_THREADS\nthreads to use\n"
            ".TP\nNO_COLOR\nno colours\n"),
        err);
}

static rml_status run_manual(rml_cli *cli, rml_error *err)
{
    if (!cli->json) {
        return put_page(&cli->output, err);
    }
    rml_buffer page = {0};
    rml_status st = put_page(&page, err);
    rml_json_object(&cli->writer);
    rml_json_kv_str(&cli->writer, "page", rml_buffer_text(&page));
    rml_json_object_end(&cli->writer);
    rml_buffer_reset(&page);
    return st;
}

static const rml_command commands[] = {
    {
        .name = "manual",
        .arguments = "",
        .summary = "print the manual as a page for man",
        .example = "roadmill manual | man -l -",
        .run = run_manual,
    },
};

const rml_command_group rml_manual_commands = {commands, sizeof commands / sizeof *commands};
