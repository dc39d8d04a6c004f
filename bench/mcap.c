// Reading 1 GB of MCAP, every CRC checked, against the floor (map the file, decompress each chunk,
// CRC-32 it, step over its records), and against the readers of Rust and Python where they are
// there. Signals: IMU messages; images: blobs of 100 to 500 kB, ten IMU messages to each. Rows
// mcap_DATA_COMPRESSION_ORDER on one core, ..._t2 on two against one. Same files, same run, best of
// several rounds in turn.
#define _POSIX_C_SOURCE 200809L // popen
#include "roadmill/log/mcap.h"
#include "bench.h"
#include "imu.h"
#include "roadmill/codec.h"
#include "roadmill/log.h"

#define PAYLOAD ((uint64_t)1000000000)
#define IMAGE_MIN 100000
#define IMAGE_SPREAD 400000
#define IMUS_PER_IMAGE 10
#define ROUNDS 3

typedef struct input {
    char path[1024];
    const char *data, *compression;
    bool images;
    rml_mcap_compression kind;
} input;

typedef struct channels {
    uint16_t imu, image;
} channels;

static channels define(rml_mcap_writer *w)
{
    rml_error err = {0};
    channels c;
    uint16_t schema;
    rml_str imu = RML_STR("sensor_msgs/msg/Imu");
    imu_must(rml_mcap_writer_schema(w, imu, RML_STR("ros2msg"),
                                    rml_bytes_of_str(rml_message_builtin(imu)), &schema, &err),
             &err);
    imu_must(rml_mcap_writer_channel(w, schema, RML_STR("/imu"), RML_STR("cdr"), &c.imu, &err),
             &err);
    imu_must(rml_mcap_writer_channel(w, 0, RML_STR("/image"), RML_STR("blob"), &c.image, &err),
             &err);
    return c;
}

// Half of it noise: what a camera's own compression leaves.
static void image_fill(uint8_t *image, size_t size, uint64_t index)
{
    for (size_t at = 0; at + 8 <= size; at += 8) {
        uint64_t noise = at % 16 == 0 ? rml_random_u64(2, index, at) : 0x0123456789abcdef;
        rml_save_u64(image + at, noise);
    }
}

static void make_file(const input *in)
{
    rml_error err = {0};
    rml_mcap_writer *w;
    // As the recorders of ROS 2 write: a CRC for each chunk, none over the whole.
    const rml_mcap_writer_options options = {.profile = RML_STR("ros2"),
                                             .library = RML_STR("bench"),
                                             .compression = in->kind,
                                             .no_data_crc = true};
    uint8_t *image = rml_heap_make(IMAGE_MIN + IMAGE_SPREAD);
    imu_must(rml_mcap_writer_open(in->path, &options, &w, &err), &err);
    channels c = define(w);
    uint64_t size = 0;
    for (uint64_t i = 0; size < PAYLOAD; i++) {
        uint8_t data[IMU_SIZE];
        bool is_image = in->images && i % (IMUS_PER_IMAGE + 1) == 0;
        size_t len = is_image ? IMAGE_MIN + (size_t)rml_random_below(1, i, 0, IMAGE_SPREAD)
                              : imu_make(i, data);
        if (is_image) {
            image_fill(image, len, i);
        }
        int64_t t_ns = 1700000000000000000 + (int64_t)i * 10000000;
        imu_must(rml_mcap_writer_message(w, is_image ? c.image : c.imu, (uint32_t)i, t_ns, t_ns,
                                         rml_bytes_of(is_image ? image : data, len), &err),
                 &err);
        size += len;
    }
    imu_must(rml_mcap_writer_finish(w, &err), &err);
    rml_mcap_writer_close(w);
    rml_heap_free(image);
}

// ---- The floor ---------------------------------------------------------------------------------

// Payload bytes, by what the floor has to do and nothing else.
static uint64_t floor_read(const char *path)
{
    rml_error err = {0};
    rml_map_file map;
    rml_codec_context codec = {0};
    rml_buffer space = {0};
    uint64_t payload = 0;
    imu_must(rml_map_file_open(&map, path, &err), &err);
    const uint8_t *p = map.bytes.data + 8, *end = map.bytes.data + map.bytes.len - 8;
    while (p + 9 <= end) {
        uint64_t len = rml_load_u64(p + 1);
        const uint8_t *b = p + 9;
        if (p[0] == 6) {
            size_t size = (size_t)rml_load_u64(b + 16), name = rml_load_u32(b + 28);
            size_t stored = (size_t)rml_load_u64(b + 32 + name);
            const uint8_t *records = b + 40 + name;
            if (name > 0) {
                rml_buffer_clear(&space);
                uint8_t *to = rml_buffer_add(&space, size, &err);
                imu_must(rml_decompress(&codec, name == 4 ? RML_CODEC_ZSTD : RML_CODEC_LZ4,
                                        rml_bytes_of(records, stored), to, size, (rml_place){0},
                                        &err),
                         &err);
                records = to;
            }
            if (rml_crc32(0, records, size) != rml_load_u32(b + 24)) {
                exit(1);
            }
            for (size_t at = 0; at + 9 <= size;) {
                uint64_t n = rml_load_u64(records + at + 1);
                payload += records[at] == 5 ? n - 22 : 0;
                at += 9 + (size_t)n;
            }
        }
        p = b + len;
    }
    rml_codec_context_reset(&codec);
    rml_buffer_reset(&space);
    rml_map_file_close(&map);
    return payload;
}

// ---- Roadmill ----------------------------------------------------------------------------------

static uint64_t log_read(const char *path, rml_log_order order, size_t threads)
{
    rml_error err = {0};
    rml_log *log;
    rml_log_message m;
    rml_status st;
    uint64_t payload = 0;
    const rml_log_options options = {.order = order, .threads = threads};
    imu_must(rml_log_open(rml_str_of(path), &options, &log, &err), &err);
    while ((st = rml_log_next(log, &m, &err)) == RML_OK) {
        payload += m.data.len;
    }
    imu_must(st == RML_END ? RML_OK : st, &err);
    rml_log_close(log);
    return payload;
}

// ---- The peers ---------------------------------------------------------------------------------

// MB/s that a program prints as bytes and seconds; 0 without the program.
static double peer_rate(const char *command)
{
    FILE *pipe = popen(command, "r");
    double bytes = 0, seconds = 0;
    if (pipe == NULL) {
        return 0;
    }
    bool told = fscanf(pipe, "%lf %lf", &bytes, &seconds) == 2 && seconds > 0;
    pclose(pipe);
    return told ? bytes * 1e-6 / seconds : 0;
}

static void peers_tell(const input *in, const char *name, bool by_time, double mb_per_s)
{
    char command[2200];
    const char *rust = rml_env("RML_MCAP_RUST"), *python = rml_env("RML_PYTHON");
    rml_str folder = rml_str_of(RML_BENCH_FOLDER);
    if (rust != NULL && !by_time) {
        snprintf(command, sizeof command, "%s %s", rust, in->path);
        double peer = peer_rate(command);
        rml_bench_line(name, mb_per_s, "MB/s", "rust mcap", peer, peer > 0 ? mb_per_s / peer : 0);
    }
    if (python != NULL) {
        snprintf(command, sizeof command, "%s %.*s/mcap_peer.py %s %s", python, RML_FMT(folder),
                 in->path, by_time ? "time" : "file");
        double peer = peer_rate(command);
        rml_bench_line(name, mb_per_s, "MB/s", "python mcap", peer, peer > 0 ? mb_per_s / peer : 0);
    }
}

// ---- All ways, in turn -------------------------------------------------------------------------

enum { FLOOR, FILE_1, TIME_1, FILE_2, TIME_2, WAYS };

static uint64_t read_way(const char *path, int way)
{
    switch (way) {
    case FLOOR:
        return floor_read(path);
    case FILE_1:
        return log_read(path, RML_LOG_FILE_ORDER, 1);
    case TIME_1:
        return log_read(path, RML_LOG_TIME_ORDER, 1);
    case FILE_2:
        return log_read(path, RML_LOG_FILE_ORDER, 2);
    default:
        return log_read(path, RML_LOG_TIME_ORDER, 2);
    }
}

static void measure(const input *in)
{
    double cpu[WAYS], wall[WAYS];
    uint64_t bytes[WAYS];
    for (int round = 0; round <= ROUNDS; round++) {
        for (int k = 0; k < WAYS; k++) {
            int64_t start_ns = rml_clock_monotonic_ns();
            double start = imu_seconds();
            bytes[k] = read_way(in->path, k);
            double cpu_s = imu_seconds() - start;
            double wall_s = (double)(rml_clock_monotonic_ns() - start_ns) * 1e-9;
            // The first round warms the page cache.
            cpu[k] = round <= 1 || cpu_s < cpu[k] ? cpu_s : cpu[k];
            wall[k] = round <= 1 || wall_s < wall[k] ? wall_s : wall[k];
            if (bytes[k] != bytes[0]) {
                fprintf(stderr, "bench: the ways of reading disagree\n");
                exit(1);
            }
        }
    }
    double mb = (double)bytes[0] * 1e-6;
    for (int by_time = 0; by_time < 2; by_time++) {
        char name[64];
        int one = by_time ? TIME_1 : FILE_1, two = by_time ? TIME_2 : FILE_2;
        snprintf(name, sizeof name, "mcap_%s_%s_%s", in->data, in->compression,
                 by_time ? "time" : "file");
        rml_bench_line(name, mb / cpu[one], "MB/s", "floor", mb / cpu[FLOOR],
                       cpu[FLOOR] / cpu[one]);
        peers_tell(in, name, by_time, mb / cpu[one]);
        snprintf(name, sizeof name, "mcap_%s_%s_%s_t2", in->data, in->compression,
                 by_time ? "time" : "file");
        rml_bench_line(name, mb / wall[two], "MB/s", "one core", mb / wall[one],
                       wall[one] / wall[two]);
    }
}

int main(void)
{
    static const struct {
        const char *name;
        rml_mcap_compression kind;
    } kinds[] = {{"none", RML_MCAP_NONE}, {"lz4", RML_MCAP_LZ4}, {"zstd", RML_MCAP_ZSTD}};
    const char *folder = rml_env("TMPDIR");
    input in = {0};
    snprintf(in.path, sizeof in.path, "%s/bench.mcap", folder == NULL ? "/tmp" : folder);
    for (size_t images = 0; images < 2; images++) {
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
            in.images = images == 1;
            in.data = in.images ? "images" : "signals";
            in.compression = kinds[i].name;
            in.kind = kinds[i].kind;
            make_file(&in);
            measure(&in);
        }
    }
    rml_error err = {0};
    imu_must(rml_file_remove(in.path, &err), &err);
    return 0;
}
