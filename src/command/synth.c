// The command that makes a fleet by procedure.
#include "roadmill/synth.h"
#include "call.h"

static rml_status run_synth(rml_call *call, rml_error *err)
{
    const rml_synth_options options = {.faults = rml_call_flag(call, "faults"),
                                       .seed = (uint64_t)rml_call_i64(call, "seed"),
                                       .drives = (uint32_t)rml_call_i64(call, "drives"),
                                       .vehicles = (uint32_t)rml_call_i64(call, "vehicles"),
                                       .lanes = (uint32_t)rml_call_i64(call, "lanes"),
                                       .duration_s = rml_call_f64(call, "duration"),
                                       .road_m = rml_call_f64(call, "road")};
    rml_synth_result made;
    rml_str folder = rml_call_text(call, "FOLDER");
    RML_TRY(rml_synth_fleet(folder.data, &options, &call->progress, &made, err));
    rml_json_writer *w = &call->writer;
    rml_json_object(w);
    rml_json_kv_str(w, "folder", folder);
    rml_json_kv_i64(w, "recordings", (int64_t)made.recordings);
    rml_json_kv_i64(w, "scenarios", (int64_t)made.scenarios);
    rml_json_kv_i64(w, "messages", (int64_t)made.messages);
    rml_json_kv_i64(w, "faults", (int64_t)made.faults);
    rml_json_kv_i64(w, "bytes", (int64_t)made.bytes);
    rml_json_object_end(w);
    return RML_OK;
}

static const rml_option arguments[] = {
    {"FOLDER", .type = RML_OPTION_PATH, .help = "where the fleet is written", .required = true},
    {0},
};
static const rml_option options[] = {
    {"seed", .type = RML_OPTION_INT, .value = "N",
     .help = "everything follows from it; the same seed gives the same bytes", .fallback = "0",
     .high = RML_OPTION_MOST},
    {"drives", .type = RML_OPTION_INT, .value = "N",
     .help = "drives of one vehicle each, with all the traffic around it", .fallback = "8",
     .low = 1, .high = 9999},
    {"vehicles", .type = RML_OPTION_INT, .value = "N", .help = "vehicles on the road at the start",
     .fallback = "24", .low = 1, .high = 1000},
    {"lanes", .type = RML_OPTION_INT, .value = "N", .help = "lanes", .fallback = "3", .low = 1,
     .high = 6},
    {"duration", .type = RML_OPTION_FLOAT, .value = "S", .help = "of each drive", .fallback = "20",
     .unit = "s", .low = 1, .high = 600},
    {"road", .type = RML_OPTION_FLOAT, .value = "M", .help = "length of the road",
     .fallback = "600", .unit = "m", .low = 250, .high = 5000},
    {"faults", .help = "plant a gap, a clock jump, a stuck sensor, a cut message"},
    {0},
};
static const rml_view view[] = {
    {.line = "{folder}: {recordings} recordings, {scenarios} scenarios, {messages} messages, "
             "{faults} faults planted (faults.json), {bytes:bytes}"},
    {0},
};

const rml_command rml_synth_commands[] = {
    {
        .name = "synth",
        .summary = "make recordings and traffic of a fleet by procedure",
        .example = "roadmill synth fleet --seed 7 --drives 2 --faults",
        .arguments = arguments,
        .options = options,
        .view = view,
        .run = run_synth,
    },
    {0},
};
