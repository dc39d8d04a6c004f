# bench/NAME.c becomes bench/NAME: one program a hot path, always against a peer or a floor.
file(GLOB benches CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/*.c)
foreach(source IN LISTS benches)
  get_filename_component(name ${source} NAME_WE)
  add_executable(bench_${name} ${source})
  set_target_properties(bench_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench
    OUTPUT_NAME ${name})
  target_include_directories(bench_${name} PRIVATE ${PROJECT_SOURCE_DIR}/bench)
  target_compile_definitions(bench_${name} PRIVATE RML_BENCH_FOLDER="${PROJECT_SOURCE_DIR}/bench")
  target_link_libraries(bench_${name} PRIVATE rml_flags roadmill_static)
endforeach()
# A gradient alone is no op of the public graph.
target_include_directories(bench_gemm PRIVATE ${PROJECT_SOURCE_DIR}/src/graph)
