// Small messages into columns, one core: IMU and odometry in CDR, ROS 1 and Protocol Buffers, and
// CAN FD frames of 30 signals by DBC. Floor: a memcpy of the same messages into one block, as many
// as lie in the cache. Peers, where RML_PYTHON is set: the Python packages (decode_peer.py, which
// also makes the messages).
#define _POSIX_C_SOURCE 200809L // popen
#include "bench.h"
#include "imu.h"
#include "roadmill/can.h"

#define MESSAGES 2000
#define ROUNDS 400

typedef struct input {
    rml_buffer schema, data; // each message behind its length
    rml_bytes messages[MESSAGES];
    size_t count, bytes;
} input;

static void split(input *in)
{
    for (size_t at = 0; at + 4 <= in->data.len && in->count < MESSAGES;) {
        size_t len = rml_load_u32(in->data.data + at);
        in->messages[in->count++] = rml_bytes_of(in->data.data + at + 4, len);
        in->bytes += len;
        at += 4 + len;
    }
}

static void load(const char *folder, const char *kind, input *in)
{
    char path[1024];
    rml_error err = {0};
    snprintf(path, sizeof path, "%s/%s.schema", folder, kind);
    imu_must(rml_file_read(path, (size_t)1 << 24, &in->schema, &err), &err);
    snprintf(path, sizeof path, "%s/%s.data", folder, kind);
    imu_must(rml_file_read(path, (size_t)1 << 28, &in->data, &err), &err);
    split(in);
}

// Without Python: IMU messages of our own.
static void make(input *in)
{
    rml_error err = {0};
    rml_str text = rml_message_builtin(RML_STR("sensor_msgs/msg/Imu"));
    imu_must(rml_buffer_append(&in->schema, text.data, text.len, &err), &err);
    for (uint64_t i = 0; i < MESSAGES; i++) {
        uint8_t message[4 + IMU_SIZE];
        size_t len = imu_make(i, message + 4);
        rml_save_u32(message, (uint32_t)len);
        imu_must(rml_buffer_append(&in->data, message, 4 + len, &err), &err);
    }
    split(in);
}

// ---- Ways to decode ----------------------------------------------------------------------------

static double copy_seconds(const input *in, uint8_t *block)
{
    double start = imu_seconds();
    for (size_t i = 0, at = 0; i < in->count; i++) {
        memcpy(block + at, in->messages[i].data, in->messages[i].len);
        at += in->messages[i].len;
    }
    return imu_seconds() - start;
}

static double messages_seconds(const input *in, rml_message_decoder *d, rml_batch *batch)
{
    rml_error err = {0};
    double start = imu_seconds();
    rml_batch_clear(batch);
    for (size_t i = 0; i < in->count; i++) {
        imu_must(rml_message_decoder_next(d, in->messages[i], (rml_place){0}, &err), &err);
    }
    return imu_seconds() - start;
}

// Values of signals into one column each.
static double frames_seconds(const input *in, rml_can_decoder *d, double *columns)
{
    rml_error err = {0};
    double start = imu_seconds();
    for (size_t i = 0; i < in->count; i++) {
        rml_can_frame frame;
        const rml_can_value *values;
        size_t count;
        rml_can_fate fate;
        if (!rml_can_frame_parse(in->messages[i], &frame)) {
            exit(1);
        }
        imu_must(rml_can_decode(d, &frame, &values, &count, &fate, &err), &err);
        for (size_t k = 0; k < count; k++) {
            columns[k * MESSAGES + i] = values[k].value;
        }
    }
    return imu_seconds() - start;
}

// ---- One kind ----------------------------------------------------------------------------------

static void tell(const char *kind, const input *in, double best, double floor, double peer)
{
    char name[64];
    snprintf(name, sizeof name, "decode_%s", kind);
    double rate = (double)in->count / best;
    rml_bench_line(name, rate * 1e-6, "M messages/s", "memcpy", (double)in->count / floor * 1e-6,
                   floor / best);
    if (peer > 0) {
        rml_bench_line(name, rate * 1e-6, "M messages/s", "python", peer * 1e-6, rate / peer);
    }
}

static void measure_messages(const char *kind, const rml_message_kind *of, const input *in,
                             double peer)
{
    rml_error err = {0};
    rml_message_plan *plan;
    rml_message_decoder *decoder;
    rml_batch batch;
    uint8_t *block = rml_heap_make(in->bytes);
    imu_must(rml_message_compile(of, RML_STR("bench"), &plan, &err), &err);
    imu_must(rml_batch_init(&batch, rml_message_schema(plan), &err), &err);
    imu_must(rml_message_decoder_make(plan, batch.columns, &decoder, &err), &err);
    double best = 1e9, floor = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        double copy = copy_seconds(in, block), decode = messages_seconds(in, decoder, &batch);
        floor = copy < floor ? copy : floor;
        best = decode < best ? decode : best;
    }
    tell(kind, in, best, floor, peer);
    rml_message_decoder_free(decoder);
    rml_batch_reset(&batch);
    rml_message_plan_free(plan);
    rml_heap_free(block);
}

static void measure_frames(const char *kind, const input *in, double peer)
{
    rml_error err = {0};
    rml_dbc *dbc;
    rml_can_decoder *decoder;
    uint8_t *block = rml_heap_make(in->bytes);
    double *columns = rml_heap_make(64 * MESSAGES * sizeof(double));
    imu_must(rml_dbc_parse(rml_buffer_text(&in->schema), RML_STR("bench"), &dbc, &err), &err);
    imu_must(rml_can_decoder_make((const rml_dbc *const *)&dbc, 1, &decoder, &err), &err);
    double best = 1e9, floor = 1e9;
    for (int round = 0; round < ROUNDS; round++) {
        double copy = copy_seconds(in, block), decode = frames_seconds(in, decoder, columns);
        floor = copy < floor ? copy : floor;
        best = decode < best ? decode : best;
    }
    tell(kind, in, best, floor, peer);
    rml_can_decoder_free(decoder);
    rml_dbc_free(dbc);
    rml_heap_free(block);
    rml_heap_free(columns);
}

static void measure(const char *folder, const char *kind, double peer)
{
    static const struct {
        const char *kind, *message, *schema, *name;
    } kinds[] = {{"imu_cdr", "cdr", "ros2msg", "sensor_msgs/msg/Imu"},
                 {"odometry_cdr", "cdr", "ros2msg", "nav_msgs/msg/Odometry"},
                 {"imu_ros1", "ros1", "ros1msg", "sensor_msgs/Imu"},
                 {"imu_protobuf", "protobuf", "protobuf", "b.Imu"}};
    input *in = rml_heap_make(sizeof *in);
    if (folder == NULL) {
        make(in);
    } else {
        load(folder, kind, in);
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].kind, kind) == 0) {
            const rml_message_kind of = {rml_str_of(kinds[i].message), rml_str_of(kinds[i].schema),
                                         rml_str_of(kinds[i].name),
                                         rml_bytes_of(in->schema.data, in->schema.len)};
            measure_messages(kind, &of, in, peer);
        }
    }
    if (strcmp(kind, "can_dbc") == 0) {
        measure_frames(kind, in, peer);
    }
    rml_buffer_reset(&in->schema);
    rml_buffer_reset(&in->data);
    rml_heap_free(in);
}

int main(void)
{
    const char *python = rml_env("RML_PYTHON");
    rml_arena arena = {0};
    rml_str folder;
    rml_error err = {0};
    char command[2048], kind[64];
    double peer;
    if (python == NULL) {
        measure(NULL, "imu_cdr", 0);
        return 0;
    }
    imu_must(rml_folder_temporary(&arena, &folder, &err), &err);
    rml_str here = rml_str_of(RML_BENCH_FOLDER);
    snprintf(command, sizeof command, "%s %.*s/decode_peer.py %s", python, RML_FMT(here),
             folder.data);
    FILE *pipe = popen(command, "r");
    while (pipe != NULL && fscanf(pipe, "%63s %lf %*[^\n]", kind, &peer) == 2) {
        measure(folder.data, kind, peer);
    }
    if (pipe != NULL) {
        pclose(pipe);
    }
    imu_must(rml_folder_remove(folder.data, &err), &err);
    rml_arena_reset(&arena);
    return 0;
}
