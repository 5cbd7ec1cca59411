# How a room, a test and the library are declared. Every target of the project goes through here, so that flags and
# layers are said once.

add_library(tank_flags INTERFACE)
target_include_directories(tank_flags INTERFACE ${CMAKE_SOURCE_DIR}/include)
# -iquote, not -I: our room is called sys, and <sys/file.h> must stay the system's.
target_compile_options(tank_flags INTERFACE "SHELL:-iquote ${CMAKE_SOURCE_DIR}/src" "SHELL:-iquote ${CMAKE_SOURCE_DIR}/tests" -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor
                                            -ffunction-sections -fdata-sections)
target_compile_definitions(tank_flags INTERFACE _GNU_SOURCE)
target_link_options(tank_flags INTERFACE -Wl,--gc-sections)
if(TANK_WERROR)
  target_compile_options(tank_flags INTERFACE -Werror)
endif()
if(TANK_SANITIZE)
  target_compile_options(tank_flags INTERFACE -fsanitize=${TANK_SANITIZE} -fno-omit-frame-pointer
                                              -fno-sanitize-recover=all)
  target_link_options(tank_flags INTERFACE -fsanitize=${TANK_SANITIZE})
endif()
if(TANK_FUZZ)
  target_compile_options(tank_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(TANK_HARDEN)
  target_compile_options(tank_flags INTERFACE -fstack-protector-strong -fstack-clash-protection -fcf-protection
                                              -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -D_GLIBCXX_ASSERTIONS)
  target_link_options(tank_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
endif()

define_property(GLOBAL PROPERTY TANK_ROOMS BRIEF_DOCS "rooms of libtank")

# tank_room(NAME SOURCES a.cc b.cc DEPS tank_base PkgConfig::x): one room, as a static library tank_NAME.
function(tank_room name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_library(tank_${name}_objects OBJECT ${ARG_SOURCES})
  target_link_libraries(tank_${name}_objects PUBLIC tank_flags ${ARG_DEPS})
  add_library(tank_${name} STATIC $<TARGET_OBJECTS:tank_${name}_objects>)
  target_link_libraries(tank_${name} PUBLIC tank_flags ${ARG_DEPS})
  set_property(GLOBAL APPEND PROPERTY TANK_ROOMS ${name})
endfunction()

# libtank: every room but the command line in one archive, for programs that embed it.
function(tank_library)
  get_property(rooms GLOBAL PROPERTY TANK_ROOMS)
  set(objects)
  set(deps)
  foreach(room ${rooms})
    list(APPEND objects $<TARGET_OBJECTS:tank_${room}_objects>)
    get_target_property(room_deps tank_${room}_objects LINK_LIBRARIES)
    list(APPEND deps ${room_deps})
  endforeach()
  list(FILTER deps EXCLUDE REGEX "^tank_[a-z]+$")
  list(REMOVE_DUPLICATES deps)
  add_library(tank STATIC ${objects})
  target_link_libraries(tank PUBLIC tank_flags ${deps})
endfunction()

# tank_test(NAME TIER unit SOURCES a_test.cc DEPS tank_spec): one GoogleTest program, one CTest entry, labelled with its
# tier. tools/run_gtest runs it and names what it skipped; a test of the tier vm runs as pid 1's child in a virtual
# machine instead (tools/vm). Tiers other than unit run serially, since they look at the whole host.
function(tank_test name)
  cmake_parse_arguments(ARG "" "TIER" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE tank_flags ${ARG_DEPS} GTest::gtest GTest::gmock GTest::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  if(ARG_TIER STREQUAL "vm")
    tank_test_in_vm(${name})
  else()
    tank_add_test(${ARG_TIER} ${name} ${CMAKE_SOURCE_DIR}/tools/run_gtest $<TARGET_FILE:${name}>)
  endif()
endfunction()

# tank_test_in_vm(NAME): runs an existing test program (also) under Debian's own kernel with pure cgroup v2.
function(tank_test_in_vm name)
  if(NOT TANK_SANITIZE)
    tank_add_test(vm ${name} ${CMAKE_SOURCE_DIR}/tools/vm --build ${CMAKE_BINARY_DIR} $<TARGET_FILE:${name}>)
  endif()
endfunction()

# Names carry the preset, so that one CTest run can hold the plain and the sanitized programs.
function(tank_add_test tier name)
  set(test ${tier}.${name})
  set(labels ${tier})
  if(TANK_SANITIZE)
    string(REPLACE "," "+" suffix ${TANK_SANITIZE})
    string(APPEND test "@${suffix}")
    list(APPEND labels sanitizers)
  endif()
  add_test(NAME ${test} COMMAND ${ARGN})
  set_tests_properties(${test} PROPERTIES LABELS "${labels}" TIMEOUT 600)
  if(NOT tier STREQUAL "unit")
    set_tests_properties(${test} PROPERTIES RUN_SERIAL ON)
  endif()
endfunction()
