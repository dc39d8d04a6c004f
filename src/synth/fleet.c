// A fleet: simulates each drive and writes its recording, its scenario and the list of faults.
#include "fleet.h"

#include "roadmill/base/json.h"
#include "roadmill/base/random.h"
#include "roadmill/store.h"

#include <math.h>
#include <string.h>

// What may be planted; drive i gets row i modulo their number. Times in seconds after the start.
static const struct {
    const char *kind, *channel, *about;
    double seconds;
} faults[] = {
    {"gap", "/odom", "messages are missing", 1.5},
    {"clock_jump", "/odom", "header stamps are 0.5 s late", 1.0},
    {"stuck", "/imu", "the same values again and again", 2.0},
    {"cut", "/fix", "a message lacks its second half", 0.1},
};
enum { FAULTS = sizeof faults / sizeof faults[0], ROOM_FOR_ENTERING = 4 };

static rml_status options_check(const rml_synth_options *o, rml_error *err)
{
    static const char place[] = "roadmill synth";
    if (o->lanes > 6) {
        return rml_fail(err, RML_ERR_ARGUMENT, rml_place_file(rml_str_of(place)), NULL,
                        "expected 1 to 6 lanes, found %u", o->lanes);
    }
    if (!(o->road_m >= 250 && o->road_m <= 5000)) {
        return rml_fail(err, RML_ERR_ARGUMENT, rml_place_file(rml_str_of(place)), NULL,
                        "expected a road of 250 to 5000 m, found %g", o->road_m);
    }
    if (!(o->duration_s >= 1 && o->duration_s <= 600)) {
        return rml_fail(err, RML_ERR_ARGUMENT, rml_place_file(rml_str_of(place)), NULL,
                        "expected a duration of 1 to 600 s, found %g", o->duration_s);
    }
    double most = floor((o->road_m - 60) / 25) * o->lanes;
    if (o->vehicles > most) {
        return rml_fail(err, RML_ERR_ARGUMENT, rml_place_file(rml_str_of(place)), NULL,
                        "expected at most %g vehicles on %g m of %u lanes, found %u", most,
                        o->road_m, o->lanes, o->vehicles);
    }
    if (o->drives > 9999) {
        return rml_fail(err, RML_ERR_ARGUMENT, rml_place_file(rml_str_of(place)), NULL,
                        "expected at most 9999 drives, found %u", o->drives);
    }
    return RML_OK;
}

static rml_synth_options options_filled(const rml_synth_options *given)
{
    rml_synth_options o = *given;
    o.drives = o.drives ? o.drives : 8;
    o.lanes = o.lanes ? o.lanes : 3;
    o.vehicles = o.vehicles ? o.vehicles : 24;
    o.duration_s = o.duration_s != 0 ? o.duration_s : 20;
    o.road_m = o.road_m != 0 ? o.road_m : 600;
    return o;
}

static rml_status sample_all(synth_drive *d, rml_error *err)
{
    const synth_flow *f = &d->flow;
    for (uint32_t i = 0; i < f->count; i++) {
        const synth_vehicle *v = &f->vehicles[i];
        if (!v->on_road) {
            continue;
        }
        synth_sample *s = rml_array_push(&d->samples, err);
        if (!s) {
            return RML_ERR_MEMORY;
        }
        synth_pose pose = rml_synth_vehicle_pose(&f->road, v);
        *s = (synth_sample){.vehicle = i,
                            .step = (uint32_t)(f->steps / SYNTH_STEPS_PER_SAMPLE),
                            .x_m = pose.x_m,
                            .y_m = pose.y_m,
                            .yaw_rad = pose.yaw_rad,
                            .speed_mps = v->speed_mps};
    }
    return RML_OK;
}

// Runs the traffic for its whole duration. The ego's recording ends where it leaves the road.
static rml_status simulate(synth_drive *d, const rml_synth_options *o, rml_error *err)
{
    uint64_t steps = (uint64_t)(o->duration_s / SYNTH_STEP_S + 0.5);
    for (uint64_t i = 0; i <= steps; i++) {
        const synth_vehicle *ego = &d->flow.vehicles[0];
        if (ego->on_road) {
            synth_ego *e = rml_array_push(&d->ego, err);
            if (!e) {
                return RML_ERR_MEMORY;
            }
            *e = (synth_ego){rml_synth_vehicle_pose(&d->flow.road, ego), ego->speed_mps};
        }
        if (i % SYNTH_STEPS_PER_SAMPLE == 0) {
            RML_TRY(sample_all(d, err));
        }
        rml_synth_flow_step(&d->flow);
    }
    return RML_OK;
}

static synth_fault fault_choose(const rml_synth_options *o, uint32_t drive)
{
    synth_fault fault = {0};
    if (o->faults) {
        double from = o->duration_s * (0.2 + 0.3 * rml_random_f64(o->seed, 3, drive));
        fault.kind = faults[drive % FAULTS].kind;
        fault.channel = faults[drive % FAULTS].channel;
        fault.about = faults[drive % FAULTS].about;
        // On the grid of the slowest sensor (0.2 s), so that "cut" meets exactly one message.
        fault.from_ns = (int64_t)(from * 5) * 200000000;
        fault.to_ns = fault.from_ns + (int64_t)(faults[drive % FAULTS].seconds * 1e9 + 0.5);
    }
    return fault;
}

static rml_status drive_files(const synth_drive *d, const char *folder, synth_fault *fault,
                              rml_synth_result *out, rml_error *err)
{
    rml_arena arena = {0};
    rml_buffer text = {0};
    rml_file_info info = {0};
    uint64_t messages = 0;
    rml_str xml = rml_arena_printf(&arena, "%s/scenarios/drive_%04u.xml", folder, d->index);
    rml_str mcap = rml_arena_printf(&arena, "%s/recordings/drive_%04u.mcap", folder, d->index);
    rml_status st = xml.data && mcap.data ? RML_OK : rml_fail_memory(err, 64);
    if (!st) {
        st = rml_synth_scenario_write(d, &text, err);
    }
    if (!st) {
        st = rml_store_put(xml, rml_buffer_bytes(&text), err);
    }
    if (!st) {
        st = rml_synth_recording_write(d, mcap.data, fault, &messages, err);
    }
    if (!st) {
        st = rml_store_stat(mcap, &info, err);
    }
    out->scenarios++;
    out->recordings++;
    out->messages += messages;
    out->faults += fault->kind != NULL;
    out->bytes += text.len + info.size;
    rml_buffer_reset(&text);
    rml_arena_reset(&arena);
    return st;
}

static rml_status drive_make(const char *folder, const rml_synth_options *o, uint32_t index,
                             synth_fault *fault, rml_synth_result *out, rml_error *err)
{
    size_t capacity = (size_t)o->vehicles * ROOM_FOR_ENTERING;
    synth_vehicle *vehicles = rml_heap_make(capacity * sizeof *vehicles);
    if (!vehicles) {
        return rml_fail_memory(err, capacity * sizeof *vehicles);
    }
    synth_drive d = {.seed = o->seed,
                     .index = index,
                     .place = index % 2,
                     .samples = RML_ARRAY(synth_sample),
                     .ego = RML_ARRAY(synth_ego)};
    synth_road road;
    rml_synth_road_make(&road, o->seed, d.place, o->lanes, o->road_m);
    rml_synth_flow_init(&d.flow, &road, o->seed, index, vehicles, capacity, o->vehicles);
    rml_status st = simulate(&d, o, err);
    if (!st) {
        st = drive_files(&d, folder, fault, out, err);
    }
    rml_array_reset(&d.samples);
    rml_array_reset(&d.ego);
    rml_heap_free(vehicles);
    return st;
}

static void fault_write(rml_json_writer *w, const synth_fault *fault, uint32_t drive)
{
    char file[32];
    rml_arena arena = {0};
    rml_str name = rml_arena_printf(&arena, "recordings/drive_%04u.mcap", drive);
    memcpy(file, name.data ? name.data : "", name.data ? name.len + 1 : 1);
    rml_arena_reset(&arena);
    rml_json_object(w);
    rml_json_kv_str(w, "recording", rml_str_of(file));
    rml_json_kv_str(w, "kind", rml_str_of(fault->kind));
    rml_json_kv_str(w, "channel", rml_str_of(fault->channel));
    rml_json_kv_str(w, "about", rml_str_of(fault->about));
    rml_json_kv_ns(w, "from_ns", fault->from_ns);
    rml_json_kv_ns(w, "to_ns", fault->to_ns);
    rml_json_kv_i64(w, "messages", (int64_t)fault->messages);
    rml_json_object_end(w);
}

static rml_status fleet_write(const char *folder, const rml_synth_options *o,
                              const rml_progress *progress, rml_buffer *list, rml_synth_result *out,
                              rml_error *err)
{
    rml_json_writer w;
    rml_json_writer_init(&w, list, err);
    w.pretty = true;
    rml_json_object(&w);
    rml_json_kv_i64(&w, "seed", (int64_t)o->seed);
    rml_json_key(&w, "faults");
    rml_json_list(&w);
    for (uint32_t i = 0; i < o->drives; i++) {
        if (rml_progress_stop(progress)) {
            return rml_fail(err, RML_ERR_STOPPED, (rml_place){0}, "the same command starts again",
                            "stopped after %u of %u drives", i, o->drives);
        }
        synth_fault fault = fault_choose(o, i);
        RML_TRY(drive_make(folder, o, i, &fault, out, err));
        if (fault.kind) {
            fault_write(&w, &fault, i);
        }
        rml_progress_report(progress, "drives", i + 1, o->drives, "drives");
    }
    rml_json_list_end(&w);
    rml_json_object_end(&w);
    return rml_json_finish(&w);
}

rml_status rml_synth_fleet(const char *folder, const rml_synth_options *options,
                           const rml_progress *progress, rml_synth_result *out, rml_error *err)
{
    rml_synth_options o = options_filled(options);
    rml_arena arena = {0};
    rml_buffer list = {0};
    *out = (rml_synth_result){0};
    RML_TRY(options_check(&o, err));
    rml_str recordings = rml_arena_printf(&arena, "%s/recordings", folder);
    rml_str scenarios = rml_arena_printf(&arena, "%s/scenarios", folder);
    rml_str file = rml_arena_printf(&arena, "%s/faults.json", folder);
    rml_status st =
        recordings.data && scenarios.data && file.data ? RML_OK : rml_fail_memory(err, 64);
    if (!st) {
        st = rml_store_folder_make(recordings, err);
    }
    if (!st) {
        st = rml_store_folder_make(scenarios, err);
    }
    if (!st) {
        st = fleet_write(folder, &o, progress, &list, out, err);
    }
    if (!st) {
        st = rml_store_put(file, rml_buffer_bytes(&list), err);
        out->bytes += list.len;
    }
    rml_buffer_reset(&list);
    rml_arena_reset(&arena);
    return st;
}
