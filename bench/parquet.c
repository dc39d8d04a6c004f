// Writing Parquet against pyarrow: one i64 of times and ten doubles, nullable, the same encodings
// and zstd level, processor seconds of one thread, the best of three. Ours also hashes every value
// and the file. Floats plain, as the lake writes them, and by BYTE_STREAM_SPLIT, as it can.
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench.h"
#include "roadmill/os.h"
#include "roadmill/parquet.h"

enum { COLUMNS = 11, ROWS = 2000000, RUNS = 3 };

static const char script[] =
    "import sys, time, pyarrow as pa, pyarrow.parquet as pq\n"
    "pa.set_cpu_count(1)\n"
    "t = pq.read_table(sys.argv[1], partitioning=None).combine_chunks()\n"
    "e = {n: sys.argv[2] for n in t.column_names[1:]} | {'c0': 'DELTA_BINARY_PACKED'}\n"
    "best = 1e9\n"
    "for i in range(3):\n"
    "    s = time.process_time()\n"
    "    pq.write_table(t, sys.argv[1] + '.pyarrow', compression='zstd', compression_level=1,\n"
    "                   use_dictionary=False, column_encoding=e, write_page_index=True)\n"
    "    best = min(best, time.process_time() - s)\n"
    "print(best)\n";

static rml_status make_rows(rml_batch *b, rml_error *err)
{
    static char names[COLUMNS][4];
    static rml_field fields[COLUMNS];
    for (int k = 0; k < COLUMNS; k++) {
        snprintf(names[k], sizeof names[k], "c%d", k);
        fields[k] = (rml_field){.name = rml_str_of(names[k]),
                                .type = k == 0 ? RML_TYPE_I64 : RML_TYPE_F64,
                                .nullable = true};
    }
    RML_TRY(rml_batch_init(b, (rml_schema){fields, COLUMNS}, err));
    uint64_t seed = 1;
    for (int64_t row = 0; row < ROWS; row++) {
        seed = seed * UINT64_C(6364136223846793005) + 1;
        RML_TRY(rml_column_i64(&b->columns[0], row * 10000000 + (int64_t)(seed >> 50), err));
        for (int k = 1; k < COLUMNS; k++) {
            double noise = (double)(seed * (uint64_t)k >> 40) * 1e-7;
            double v = round((sin((double)row * 1e-4 * k) * 100 + noise) * 1e4) / 1e4;
            RML_TRY(rml_column_f64(&b->columns[k], v, err));
        }
        RML_TRY(rml_batch_row_end(b, err));
    }
    return RML_OK;
}

// pyarrow's best, or 0 where there is none.
static double peer_seconds(const char *path, bool split)
{
    const char *python = rml_env("RML_PYTHON");
    char command[1024], line[64] = "";
    char script_path[512];
    snprintf(script_path, sizeof script_path, "%s.py", path);
    rml_bytes text = rml_bytes_of(script, sizeof script - 1);
    if (python == NULL || rml_file_replace(script_path, text, NULL) != RML_OK) {
        return 0;
    }
    snprintf(command, sizeof command, "%s %s %s %s", python, script_path, path,
             split ? "BYTE_STREAM_SPLIT" : "PLAIN");
    FILE *pipe = popen(command, "r");
    bool read = pipe != NULL && fgets(line, sizeof line, pipe) != NULL;
    if (pipe != NULL) {
        pclose(pipe);
    }
    return read ? strtod(line, NULL) : 0;
}

static rml_status measure(const rml_batch *rows, bool split, rml_error *err)
{
    const rml_parquet_options options = {.split_floats = split};
    const char *folder = rml_env("TMPDIR");
    char path[256];
    snprintf(path, sizeof path, "%s/roadmill_bench.parquet", folder != NULL ? folder : "/tmp");
    double best = INFINITY;
    rml_parquet_result made = {0};
    for (int i = 0; i < RUNS; i++) {
        clock_t start = clock();
        RML_TRY(rml_parquet_save(path, rows, &options, &made, err));
        double took = (double)(clock() - start) / CLOCKS_PER_SEC;
        best = took < best ? took : best;
    }
    double megabytes = (double)ROWS * COLUMNS * 8 / 1e6;
    double peer = peer_seconds(path, split);
    rml_bench_line(split ? "parquet write, split floats" : "parquet write", megabytes / best,
                   "MB/s", peer > 0 ? "pyarrow" : "none", peer > 0 ? megabytes / peer : 0,
                   peer > 0 ? peer / best : 0);
    rml_bench_line(split ? "parquet size, split floats" : "parquet size",
                   (double)made.bytes / (megabytes * 1e6), "of the values", "none", 0, 0);
    return RML_OK;
}

int main(void)
{
    rml_error err = {0};
    rml_batch rows = {0};
    rml_status st = make_rows(&rows, &err);
    st = st ? st : measure(&rows, false, &err);
    st = st ? st : measure(&rows, true, &err);
    rml_batch_reset(&rows);
    if (st != RML_OK) {
        char text[1200];
        rml_error_text(&err, text, sizeof text);
        fprintf(stderr, "parquet: %s\n", text);
    }
    return st != RML_OK;
}
