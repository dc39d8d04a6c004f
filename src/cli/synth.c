// The command that makes a fleet by procedure.
#include <inttypes.h>

#include "command.h"
#include "roadmill/synth.h"

static rml_status run_synth(rml_cli *cli, rml_error *err)
{
    int64_t seed = 0, drives = 0, vehicles = 0, lanes = 0;
    rml_synth_options options = {.faults = rml_cli_flag(cli, "--faults")};
    RML_TRY(rml_cli_i64(cli, "--seed", 0, INT64_MAX, &seed, err));
    RML_TRY(rml_cli_i64(cli, "--drives", 1, 9999, &drives, err));
    RML_TRY(rml_cli_i64(cli, "--vehicles", 1, 1000, &vehicles, err));
    RML_TRY(rml_cli_i64(cli, "--lanes", 1, 6, &lanes, err));
    RML_TRY(rml_cli_f64(cli, "--duration", 1, 600, &options.duration_s, err));
    RML_TRY(rml_cli_f64(cli, "--road", 250, 5000, &options.road_m, err));
    options.seed = (uint64_t)seed;
    options.drives = (uint32_t)drives;
    options.vehicles = (uint32_t)vehicles;
    options.lanes = (uint32_t)lanes;
    rml_synth_result result;
    const char *folder = cli->arguments[0];
    RML_TRY(rml_synth_fleet(folder, &options, &cli->progress, &result, err));
    if (cli->json) {
        rml_json_object(&cli->writer);
        rml_json_kv_str(&cli->writer, "folder", rml_str_of(folder));
        rml_json_kv_i64(&cli->writer, "recordings", (int64_t)result.recordings);
        rml_json_kv_i64(&cli->writer, "scenarios", (int64_t)result.scenarios);
        rml_json_kv_i64(&cli->writer, "messages", (int64_t)result.messages);
        rml_json_kv_i64(&cli->writer, "faults", (int64_t)result.faults);
        rml_json_kv_i64(&cli->writer, "bytes", (int64_t)result.bytes);
        rml_json_object_end(&cli->writer);
    }
    rml_cli_print(cli,
                  "%s: %" PRIu64 " recordings, %" PRIu64 " scenarios, %" PRIu64
                  " messages, %" PRIu64 " faults planted (faults.json), %" PRIu64 " bytes\n",
                  folder, result.recordings, result.scenarios, result.messages, result.faults,
                  result.bytes);
    return RML_OK;
}

static const rml_option options[] = {
    {"--seed", "N", "everything follows from it (0); the same seed gives the same bytes"},
    {"--drives", "N", "drives of one vehicle each, with all the traffic around it (8)"},
    {"--vehicles", "N", "vehicles on the road at the start (24)"},
    {"--lanes", "N", "lanes, 1 to 6 (3)"},
    {"--duration", "S", "seconds of each drive (20)"},
    {"--road", "M", "metres of road (600)"},
    {"--faults", NULL, "plant a gap, a clock jump, a stuck sensor, a cut message"},
};

static const rml_command commands[] = {
    {"synth", "FOLDER", "make recordings and traffic of a fleet by procedure",
     "roadmill synth fleet --seed 7 --drives 2 --faults", 1, 1, options,
     sizeof options / sizeof *options, run_synth},
};

const rml_command_group rml_synth_commands = {commands, sizeof commands / sizeof *commands};
