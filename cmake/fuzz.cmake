# fuzz/NAME.c holds LLVMFuzzerTestOneInput. With clang it becomes a libFuzzer program; with another
# compiler (RML_FUZZ_REPLAY) a program that runs the files of a corpus once.
option(RML_FUZZ_REPLAY "build fuzz targets as replayers of their corpus" OFF)
file(GLOB targets CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/fuzz/*.c)
list(REMOVE_ITEM targets ${PROJECT_SOURCE_DIR}/fuzz/replay.c)
foreach(source IN LISTS targets)
  get_filename_component(name ${source} NAME_WE)
  add_executable(fuzz_${name} ${source})
  set_target_properties(fuzz_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz
    OUTPUT_NAME ${name})
  target_link_libraries(fuzz_${name} PRIVATE rml_flags roadmill_static)
  if(RML_FUZZ_REPLAY)
    target_sources(fuzz_${name} PRIVATE ${PROJECT_SOURCE_DIR}/fuzz/replay.c)
  else()
    target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  endif()
endforeach()
