// How long `log info` of a large recording takes, with the start of the program: an indexed MCAP of
// 10 GB (open_mcap_10gb) and an MF4 of 2 GB (open_mf4_2gb), made by open_files.py with holes for
// messages. The floor is the start of the program alone. Median of 41, wall clock. Needs
// RML_PROGRAM and RML_PYTHON.
#include "bench.h"
#include "imu.h"

#define RUNS 41

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_ms(const char *command)
{
    double ms[RUNS];
    for (size_t i = 0; i < RUNS; i++) {
        int64_t start_ns = rml_clock_monotonic_ns();
        if (system(command) != 0) {
            fprintf(stderr, "bench: %s failed\n", command);
            exit(1);
        }
        ms[i] = (double)(rml_clock_monotonic_ns() - start_ns) * 1e-6;
    }
    qsort(ms, RUNS, sizeof *ms, rising);
    return ms[RUNS / 2];
}

static double measure(const char *program, const char *words, const char *path)
{
    char command[2048];
    snprintf(command, sizeof command, "exec %s %s %s >/dev/null", program, words, path);
    return median_ms(command);
}

int main(void)
{
    static const char *const files[][2] = {{"open_mcap_10gb", "large.mcap"},
                                           {"open_mf4_2gb", "large.mf4"}};
    const char *program = rml_env("RML_PROGRAM"), *python = rml_env("RML_PYTHON");
    rml_arena arena = {0};
    rml_str folder;
    rml_error err = {0};
    char command[2048];
    if (program == NULL || python == NULL) {
        return 0;
    }
    imu_must(rml_folder_temporary(&arena, &folder, &err), &err);
    snprintf(command, sizeof command, "%s %s/open_files.py %s", python, RML_BENCH_FOLDER,
             folder.data);
    double start = system(command) == 0 ? measure(program, "--version", "") : 0;
    for (size_t i = 0; start > 0 && i < sizeof files / sizeof *files; i++) {
        rml_str path = rml_path_join(&arena, folder, rml_str_of(files[i][1]));
        double ms = measure(program, "log info", path.data);
        rml_bench_line(files[i][0], ms, "ms", "start of the program", start, start / ms);
    }
    imu_must(rml_folder_remove(folder.data, &err), &err);
    rml_arena_reset(&arena);
    return 0;
}
