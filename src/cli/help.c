// Help is made from the table of commands, so it cannot tell of one that does not exist.
#include <stdio.h>
#include <string.h>

#include "state.h"

static void say(rml_cli *cli, const char *format, ...) RML_PRINTF(2, 3);

// Help goes to stdout also when --json is given.
static void say(rml_cli *cli, const char *format, ...)
{
    bool json = cli->json;
    cli->json = false;
    va_list list;
    va_start(list, format);
    char text[1024];
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    rml_cli_print(cli, "%s", text);
    cli->json = json;
}

// Bytes of UTF-8 that take no column of their own.
static int continuation_bytes(const char *text)
{
    int count = 0;
    for (; *text != '\0'; text++) {
        count += ((unsigned char)*text & 0xC0) == 0x80;
    }
    return count;
}

static void say_options(rml_cli *cli, const rml_option *options, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char left[64];
        snprintf(left, sizeof left, "%s %s", options[i].name,
                 options[i].value != NULL ? options[i].value : "");
        say(cli, "  %-26s %s\n", left, options[i].help);
    }
}

void rml_cli_help_command(rml_cli *cli, const rml_command *command)
{
    say(cli, "%s\n\n", command->summary);
    say(cli, "Usage:   roadmill %s %s%s[options]\n", command->name, command->arguments,
        command->arguments[0] != '\0' ? " " : "");
    say(cli, "Example: %s\n", command->example);
    if (command->option_count > 0) {
        say(cli, "\nOptions:\n");
        say_options(cli, command->options, command->option_count);
    }
    say(cli, "\nFor every command:\n");
    say_options(cli, rml_cli_common, rml_cli_common_count);
}

void rml_cli_help(rml_cli *cli, rml_str topic)
{
    say(cli, "roadmill %s: the data flywheel of autonomous driving\n", RML_VERSION);
    say(cli, "\nrecord > ingest > find > version > train > evaluate > gate > deploy > mine > "
             "again\n\n");
    for (size_t g = 0; g < rml_command_group_count; g++) {
        for (size_t i = 0; i < rml_command_groups[g]->count; i++) {
            const rml_command *c = &rml_command_groups[g]->commands[i];
            if (topic.len > 0 && !rml_str_starts(rml_str_of(c->name), topic)) {
                continue;
            }
            char left[80];
            snprintf(left, sizeof left, "%s %s", c->name, c->arguments);
            say(cli, "  %-*s %s\n", 30 + continuation_bytes(left), left, c->summary);
        }
    }
    say(cli,
        "\nroadmill COMMAND --help tells more. Exit codes: 0 done, 1 failed, 2 wrong usage,\n"
        "3 done with loss or a check that did not hold, 130 stopped (run it again to go on).\n");
}
