// Reading 1 GB of MCAP, every CRC checked, against the floor (map the file, decompress each chunk,
// CRC-32 it, step over its records), and against the readers of Rust and Python where they are
// there. Signals: IMU messages; images: blobs of 100 to 500 kB, ten IMU messages to each. Rows
// mcap_DATA_COMPRESSION_ORDER on one core, ..._t2 on two against one. Same files, same run, best of
// several rounds in turn.
#define _POSIX_C_SOURCE 200809L // popen
#include "bench.h"
#include "mcap_file.h"
#include "roadmill/codec.h"
#include "roadmill/log.h"

#define ROUNDS 3

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
