// Test support: a stand-in for Zephyr's CMake package on a host, so that a sample's and a module's
// own CMakeLists.txt run. It follows the documented build: modules from ZEPHYR_EXTRA_MODULES, their
// module.yml, Kconfig symbols, prj.conf, zephyr_library*(), the target "app".
#pragma once

#include <gtest/gtest.h>

#include "base/files.h"

namespace atml::codegen::testing {

constexpr const char* kZephyrConfig = R"(
project(zephyr_stub LANGUAGES C)
add_library(zephyr_interface INTERFACE)
target_include_directories(zephyr_interface INTERFACE ${CMAKE_CURRENT_LIST_DIR}/include)
add_executable(app)
target_link_libraries(app PRIVATE zephyr_interface)

function(zephyr_include_directories)
  target_include_directories(zephyr_interface INTERFACE ${ARGV})
endfunction()
macro(zephyr_library)
  set(ZEPHYR_CURRENT_LIBRARY lib_${module_name})
  add_library(${ZEPHYR_CURRENT_LIBRARY} STATIC)
  target_link_libraries(${ZEPHYR_CURRENT_LIBRARY} PUBLIC zephyr_interface)
  target_link_libraries(app PRIVATE ${ZEPHYR_CURRENT_LIBRARY})
endmacro()
function(zephyr_library_sources)
  target_sources(${ZEPHYR_CURRENT_LIBRARY} PRIVATE ${ARGV})
endfunction()
function(zephyr_library_include_directories)
  target_include_directories(${ZEPHYR_CURRENT_LIBRARY} PRIVATE ${ARGV})
endfunction()
function(zephyr_library_compile_options)
  target_compile_options(${ZEPHYR_CURRENT_LIBRARY} PRIVATE ${ARGV})
endfunction()

set(symbols MAIN_STACK_SIZE)
foreach(module ${ZEPHYR_EXTRA_MODULES})
  file(STRINGS ${module}/zephyr/module.yml kconfig REGEX "^  kconfig: ")
  string(REPLACE "  kconfig: " "" kconfig "${kconfig}")
  file(STRINGS ${module}/${kconfig} lines REGEX "^config [A-Z0-9_]+$")
  list(TRANSFORM lines REPLACE "^config " "")
  list(APPEND symbols ${lines})
endforeach()
file(STRINGS ${CMAKE_CURRENT_SOURCE_DIR}/prj.conf settings)
foreach(setting ${settings})
  if(NOT setting MATCHES "^CONFIG_([A-Z0-9_]+)=(.+)$" OR NOT CMAKE_MATCH_1 IN_LIST symbols)
    message(FATAL_ERROR "prj.conf sets an undefined symbol: ${setting}")
  endif()
  set(CONFIG_${CMAKE_MATCH_1} ${CMAKE_MATCH_2})
endforeach()
foreach(module ${ZEPHYR_EXTRA_MODULES})
  file(STRINGS ${module}/zephyr/module.yml module_name REGEX "^name: ")
  string(REPLACE "name: " "" module_name "${module_name}")
  file(STRINGS ${module}/zephyr/module.yml folder REGEX "^  cmake: ")
  string(REPLACE "  cmake: " "" folder "${folder}")
  add_subdirectory(${module}/${folder} modules/${module_name})
endforeach()
)";

inline void write_zephyr_stub(const std::filesystem::path& folder) {
  ASSERT_TRUE(write_file(folder / "ZephyrConfig.cmake", kZephyrConfig).ok());
  ASSERT_TRUE(write_file(folder / "include/zephyr/sys/printk.h",
                         "#pragma once\n#include <stdio.h>\n#define printk printf\n")
                  .ok());
}

}  // namespace atml::codegen::testing
