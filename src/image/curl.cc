#include "image/curl.h"

#include <type_traits>

#include "sys/dynamic_library.h"

namespace tank::image {

namespace {

Result<Curl> load() {
  const sys::DynamicLibrary library = TRY(sys::DynamicLibrary::load("libcurl.so.4"));
  Curl table{};
  table.global_init = TRY(library.function<std::remove_pointer_t<decltype(table.global_init)>>("curl_global_init"));
  table.easy_init = TRY(library.function<std::remove_pointer_t<decltype(table.easy_init)>>("curl_easy_init"));
  table.easy_reset = TRY(library.function<std::remove_pointer_t<decltype(table.easy_reset)>>("curl_easy_reset"));
  table.easy_cleanup = TRY(library.function<std::remove_pointer_t<decltype(table.easy_cleanup)>>("curl_easy_cleanup"));
  table.easy_setopt = TRY(library.function<std::remove_pointer_t<decltype(table.easy_setopt)>>("curl_easy_setopt"));
  table.easy_getinfo = TRY(library.function<std::remove_pointer_t<decltype(table.easy_getinfo)>>("curl_easy_getinfo"));
  table.easy_perform = TRY(library.function<std::remove_pointer_t<decltype(table.easy_perform)>>("curl_easy_perform"));
  table.easy_strerror =
      TRY(library.function<std::remove_pointer_t<decltype(table.easy_strerror)>>("curl_easy_strerror"));
  table.slist_append = TRY(library.function<std::remove_pointer_t<decltype(table.slist_append)>>("curl_slist_append"));
  table.slist_free_all =
      TRY(library.function<std::remove_pointer_t<decltype(table.slist_free_all)>>("curl_slist_free_all"));
  table.url = TRY(library.function<std::remove_pointer_t<decltype(table.url)>>("curl_url"));
  table.url_set = TRY(library.function<std::remove_pointer_t<decltype(table.url_set)>>("curl_url_set"));
  table.url_get = TRY(library.function<std::remove_pointer_t<decltype(table.url_get)>>("curl_url_get"));
  table.url_cleanup = TRY(library.function<std::remove_pointer_t<decltype(table.url_cleanup)>>("curl_url_cleanup"));
  table.url_strerror = TRY(library.function<std::remove_pointer_t<decltype(table.url_strerror)>>("curl_url_strerror"));
  table.free = TRY(library.function<std::remove_pointer_t<decltype(table.free)>>("curl_free"));
  const CURLcode started = table.global_init(CURL_GLOBAL_ALL);
  if (started != CURLE_OK) return error(Kind::unsupported, "starting libcurl: ", table.easy_strerror(started));
  return table;
}

}  // namespace

Result<const Curl*> load_curl() {
  static const Result<Curl> table = load();
  if (!table) return error(Kind::unsupported, "pulling needs libcurl 7.85 or later: ", table.error().sentence());
  return &*table;
}

}  // namespace tank::image
