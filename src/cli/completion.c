// `completion SHELL`: a script for bash, zsh or fish, made from the table of commands, so it offers
// what there is and nothing else.
#include <stdio.h>
#include <string.h>

#include "state.h"

typedef struct script {
    rml_buffer *out;
    rml_error *err;
    rml_status status;
} script;

static void put(script *s, const char *format, ...) RML_PRINTF(2, 3);

static void put(script *s, const char *format, ...)
{
    char text[4096];
    va_list list;
    va_start(list, format);
    int len = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    if (s->status == RML_OK && len > 0 && (size_t)len < sizeof text) {
        s->status = rml_buffer_append(s->out, text, (size_t)len, s->err);
    }
}

// Text with a backslash (or a quote that ends, escapes and begins again) where the shell asks.
static void put_escaped(script *s, const char *text, const char *escaped)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            put(s, "'\\''");
        } else {
            put(s, "%s%c", strchr(escaped, *text) != NULL ? "\\" : "", *text);
        }
    }
}

// The index-th command of all; NULL behind the last.
static const rml_command *command_at(size_t index)
{
    for (size_t g = 0; g < rml_command_group_count; g++) {
        if (index < rml_command_groups[g]->count) {
            return &rml_command_groups[g]->commands[index];
        }
        index -= rml_command_groups[g]->count;
    }
    return NULL;
}

// The index-th option of a command, its own before those of every command; NULL behind the last.
static const rml_option *option_at(const rml_command *c, size_t index)
{
    if (index < c->option_count) {
        return &c->options[index];
    }
    index -= c->option_count;
    return index < rml_cli_common_count ? &rml_cli_common[index] : NULL;
}

static bool is_path(const char *value)
{
    static const char *const paths[] = {"FILE", "DIR", "FOLDER", "PATH", "OUT", "BUS=FILE"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        if (value != NULL && strcmp(value, paths[i]) == 0) {
            return true;
        }
    }
    return false;
}

// The first word of a command's name.
static rml_str word_of(const rml_command *c)
{
    rml_str first;
    (void)rml_str_cut(rml_str_of(c->name), ' ', &first);
    return first;
}

// True for the first command of those that begin with this word.
static bool begins_group(size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (rml_str_equal(word_of(command_at(i)), word_of(command_at(index)))) {
            return false;
        }
    }
    return true;
}

// ---- bash --------------------------------------------------------------------------------------

static void bash_second_words(script *s, rml_str word)
{
    const char *between = "";
    for (size_t i = 0; command_at(i) != NULL; i++) {
        rml_str first, second = rml_str_cut(rml_str_of(command_at(i)->name), ' ', &first);
        if (second.len > 0 && rml_str_equal(first, word)) {
            put(s, "%s%.*s", between, RML_FMT(second));
            between = " ";
        }
    }
}

static void bash_commands(script *s, bool two_words)
{
    for (size_t i = 0; command_at(i) != NULL; i++) {
        const rml_command *c = command_at(i);
        if ((strchr(c->name, ' ') != NULL) != two_words) {
            continue;
        }
        put(s, two_words ? "    '%s') options='" : "    '%s '*) options='", c->name);
        for (size_t k = 0; option_at(c, k) != NULL; k++) {
            put(s, "%s%s", k > 0 ? " " : "", option_at(c, k)->name);
        }
        put(s, "' values='");
        for (size_t k = 0; option_at(c, k) != NULL; k++) {
            const rml_option *o = option_at(c, k);
            if (o->value != NULL && !is_path(o->value)) {
                put(s, " %s ", o->name);
            }
        }
        put(s, "' ;;\n");
    }
}

static void bash(script *s)
{
    put(s, "# source <(roadmill completion bash), or put it into "
           "/usr/share/bash-completion/completions/roadmill\n"
           "_roadmill()\n{\n"
           "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
           "    local one= two= options= values= words=\n"
           "    [ \"$COMP_CWORD\" -lt 2 ] || one=${COMP_WORDS[1]}\n"
           "    [ \"$COMP_CWORD\" -lt 3 ] || two=${COMP_WORDS[2]}\n"
           "    case \"$one\" in\n"
           "    '') words='");
    for (size_t i = 0; command_at(i) != NULL; i++) {
        if (begins_group(i)) {
            put(s, "%.*s ", RML_FMT(word_of(command_at(i))));
        }
    }
    put(s, "help --help --version' ;;\n");
    for (size_t i = 0; command_at(i) != NULL; i++) {
        if (begins_group(i)) {
            put(s, "    '%.*s') [ -n \"$two\" ] || words='", RML_FMT(word_of(command_at(i))));
            bash_second_words(s, word_of(command_at(i)));
            put(s, "' ;;\n");
        }
    }
    put(s, "    esac\n    case \"$one $two\" in\n");
    bash_commands(s, true);
    bash_commands(s, false);
    put(s, "    esac\n"
           "    case \"$values\" in *\" $prev \"*) COMPREPLY=(); return ;; esac\n"
           "    case \"$cur\" in -*) words=\"$words $options\" ;; esac\n"
           "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
           "}\n"
           "complete -o default -F _roadmill roadmill\n");
}

// ---- zsh ---------------------------------------------------------------------------------------

static void zsh_command(script *s, const rml_command *c)
{
    bool two_words = strchr(c->name, ' ') != NULL;
    put(s, two_words ? "    '%s') shift=2" : "    '%s '*) shift=1", c->name);
    put(s, "; arguments=(");
    for (size_t k = 0; option_at(c, k) != NULL; k++) {
        const rml_option *o = option_at(c, k);
        put(s, "\n        '*%s[", o->name);
        put_escaped(s, o->help, "[]:\\");
        put(s, "]");
        if (o->value != NULL) {
            put(s, ":");
            put_escaped(s, o->value, "[]:\\");
            put(s, is_path(o->value) ? ":_files" : ":");
        }
        put(s, "'");
    }
    put(s, "\n        '*:file:_files') ;;\n");
}

static void zsh_names(script *s, rml_str word)
{
    for (size_t i = 0; command_at(i) != NULL; i++) {
        const rml_command *c = command_at(i);
        rml_str first, second = rml_str_cut(rml_str_of(c->name), ' ', &first);
        if (word.len == 0 ? !begins_group(i) : !rml_str_equal(first, word) || second.len == 0) {
            continue;
        }
        put(s, " '%.*s:", RML_FMT(word.len == 0 ? first : second));
        put_escaped(s, c->summary, ":\\");
        put(s, "'");
    }
}

static void zsh(script *s)
{
    put(s, "#compdef roadmill\n"
           "# roadmill completion zsh > a folder of $fpath/_roadmill\n"
           "_roadmill()\n{\n"
           "    local -a names arguments\n    local shift=0\n"
           "    if (( CURRENT == 2 )); then\n        names=(");
    zsh_names(s, (rml_str){0});
    put(s, ")\n        _describe command names\n        return\n    fi\n"
           "    if (( CURRENT == 3 )); then\n        case \"$words[2]\" in\n");
    for (size_t i = 0; command_at(i) != NULL; i++) {
        if (begins_group(i)) {
            put(s, "        '%.*s') names=(", RML_FMT(word_of(command_at(i))));
            zsh_names(s, word_of(command_at(i)));
            put(s, ") ;;\n");
        }
    }
    put(s, "        esac\n        (( $#names )) && _describe command names\n    fi\n"
           "    case \"$words[2] $words[3]\" in\n");
    for (int two_words = 1; two_words >= 0; two_words--) {
        for (size_t i = 0; command_at(i) != NULL; i++) {
            if ((strchr(command_at(i)->name, ' ') != NULL) == (two_words == 1)) {
                zsh_command(s, command_at(i));
            }
        }
    }
    put(s, "    esac\n"
           "    (( shift )) || return\n"
           "    words=(roadmill \"${(@)words[shift+2,-1]}\")\n"
           "    (( CURRENT -= shift ))\n"
           "    (( CURRENT > 1 )) && _arguments $arguments\n"
           "}\n"
           "_roadmill \"$@\"\n");
}

// ---- fish --------------------------------------------------------------------------------------

static void fish(script *s)
{
    put(s, "# roadmill completion fish > ~/.config/fish/completions/roadmill.fish\n"
           "function __roadmill_at\n"
           "    set -l words (commandline -opc)\n"
           "    set -l last (math (count $argv) + 1)\n"
           "    test (count $words) -ge $last\n"
           "    and test \"$words[2..$last]\" = \"$argv\"\n"
           "end\n"
           "function __roadmill_words\n"
           "    test (count (commandline -opc)) -eq $argv[1]\n"
           "end\n");
    for (size_t i = 0; command_at(i) != NULL; i++) {
        const rml_command *c = command_at(i);
        rml_str first, second = rml_str_cut(rml_str_of(c->name), ' ', &first);
        if (begins_group(i)) {
            put(s, "complete -c roadmill -f -n '__roadmill_words 1' -a '%.*s' -d '",
                RML_FMT(first));
            put_escaped(s, c->summary, "\\");
            put(s, "'\n");
        }
        if (second.len > 0) {
            put(s,
                "complete -c roadmill -n '__roadmill_words 2; and __roadmill_at %.*s' -a '%.*s' "
                "-d '",
                RML_FMT(first), RML_FMT(second));
            put_escaped(s, c->summary, "\\");
            put(s, "'\n");
        }
        for (size_t k = 0; option_at(c, k) != NULL; k++) {
            const rml_option *o = option_at(c, k);
            put(s, "complete -c roadmill -n '__roadmill_at %s' -l %s%s -d '", c->name, o->name + 2,
                o->value == NULL    ? ""
                : is_path(o->value) ? " -r -F"
                                    : " -x");
            put_escaped(s, o->help, "\\");
            put(s, "'\n");
        }
    }
}

// ---- The command -------------------------------------------------------------------------------

static const struct {
    const char *shell;
    void (*write)(script *s);
} shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};

static rml_status run_completion(rml_cli *cli, rml_error *err)
{
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++) {
        if (strcmp(shells[i].shell, cli->arguments[0]) == 0) {
            rml_buffer text = {0};
            script s = {cli->json ? &text : &cli->output, err, RML_OK};
            shells[i].write(&s);
            if (cli->json) {
                rml_json_object(&cli->writer);
                rml_json_kv_str(&cli->writer, "shell", rml_str_of(shells[i].shell));
                rml_json_kv_str(&cli->writer, "script", rml_buffer_text(&text));
                rml_json_object_end(&cli->writer);
            }
            rml_buffer_reset(&text);
            return s.status;
        }
    }
    return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, "roadmill completion --help",
                    "expected bash, zsh or fish, found \"%s\"", cli->arguments[0]);
}

static const rml_command commands[] = {
    {
        .name = "completion",
        .arguments = "SHELL",
        .summary = "print the script that completes commands in bash, zsh or fish",
        .example = "roadmill completion bash > ~/.local/share/bash-completion/completions/roadmill",
        .arguments_min = 1,
        .arguments_max = 1,
        .run = run_completion,
    },
};

const rml_command_group rml_completion_commands = {commands, sizeof commands / sizeof *commands};
