// `manual`: the page roadmill(1), made from the table of commands, in the language of man(7).
#include "call.h"

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

static rml_status put_options(rml_buffer *out, const rml_option *o, rml_error *err)
{
    for (; o != NULL && o->name != NULL; o++) {
        char help[RML_OPTION_TEXT_SIZE];
        rml_option_help(o, help);
        RML_TRY(put_line(out, ".TP\n\\fB\\-\\-", o->name, "\\fR", err));
        if (o->value != NULL) {
            RML_TRY(put_line(out, " \\fI", o->value, "\\fR", err));
        }
        RML_TRY(put_line(out, "\n\\&", help, "\n", err));
    }
    return RML_OK;
}

static rml_status put_command(rml_buffer *out, const rml_command *c, rml_error *err)
{
    char usage[RML_USAGE_TEXT];
    rml_command_usage(c, usage);
    RML_TRY(put_line(out, ".SS \"roadmill ", usage, "\"\n", err));
    RML_TRY(put_line(out, "\\&", c->summary, "\n", err));
    RML_TRY(put_options(out, c->options, err));
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
    RML_TRY(put_options(out, rml_command_common, err));
    RML_TRY(rml_buffer_str(out, RML_STR(".SH COMMANDS\n"), err));
    for (size_t i = 0; rml_command_at(i) != NULL; i++) {
        RML_TRY(put_command(out, rml_command_at(i), err));
    }
    return rml_buffer_str(
        out,
        RML_STR(
            ".SH EXIT STATUS\n0 done, 1 failed, 2 wrong usage, 3 done with loss or a check that "
            "did not hold,\n130 stopped (run it again to go on).\n"
            ".SH ENVIRONMENT\n.TP\nROADMILL_HOME\nthe home to work in\n"
            ".TP\nROADMILL_THREADS\nthreads to use\n"
            ".TP\nROADMILL_PAGER, PAGER\nreads text that is taller than the terminal (less "
            "\\-FRX)\n"
            ".TP\nNO_COLOR\nno colours\n"),
        err);
}

static rml_status run_manual(rml_call *call, rml_error *err)
{
    rml_buffer page = {0};
    rml_status st = put_page(&page, err);
    rml_json_object(&call->writer);
    rml_json_kv_str(&call->writer, "page", rml_buffer_text(&page));
    rml_json_object_end(&call->writer);
    rml_buffer_reset(&page);
    return st;
}

static const rml_view view[] = {{.text = "page"}, {0}};

const rml_command rml_manual_commands[] = {
    {
        .name = "manual",
        .summary = "print the manual as a page for man",
        .example = "roadmill manual | man -l -",
        .view = view,
        .run = run_manual,
    },
    {0},
};
