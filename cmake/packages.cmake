# Libraries from the system's packages (docs/dependencies.md says why each).
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
set(RML_PKG_CONFIG libzstd liblz4 libdeflate yaml-0.1 expat sqlite3 libcrypto)
pkg_check_modules(PACKAGES REQUIRED ${RML_PKG_CONFIG})
find_library(SNAPPY_LIBRARY snappy REQUIRED)
find_library(BZIP2_LIBRARY bz2 REQUIRED)
add_library(rml_packages INTERFACE)
target_include_directories(rml_packages SYSTEM INTERFACE ${PACKAGES_INCLUDE_DIRS})
target_link_libraries(rml_packages INTERFACE ${PACKAGES_LINK_LIBRARIES} ${SNAPPY_LIBRARY} ${BZIP2_LIBRARY}
  Threads::Threads ${CMAKE_DL_LIBS} m)

# What is installed finds these packages again where it is used (roadmill-config.cmake), so no path of
# this machine stands in it.
function(rml_packages_of library how)
  if(how STREQUAL "PRIVATE")
    target_link_libraries(${library} PRIVATE rml_packages)
  else()
    target_link_libraries(${library} PUBLIC $<BUILD_INTERFACE:rml_packages> $<INSTALL_INTERFACE:roadmill::packages>)
  endif()
endfunction()
