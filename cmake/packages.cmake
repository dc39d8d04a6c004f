# Libraries from the system's packages (docs/dependencies.md says why each).
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(PACKAGES REQUIRED libzstd liblz4 libdeflate yaml-0.1 expat sqlite3 libcrypto)
find_library(SNAPPY_LIBRARY snappy REQUIRED)
find_library(BZIP2_LIBRARY bz2 REQUIRED)
add_library(rml_packages INTERFACE)
target_include_directories(rml_packages SYSTEM INTERFACE ${PACKAGES_INCLUDE_DIRS})
target_link_libraries(rml_packages INTERFACE ${PACKAGES_LINK_LIBRARIES} ${SNAPPY_LIBRARY} ${BZIP2_LIBRARY}
  Threads::Threads ${CMAKE_DL_LIBS} m)
