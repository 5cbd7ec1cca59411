#include "image/curl.h"

#include "sys/dynamic_library.h"

namespace tank::image {

namespace {

Result<Curl> load() {
  const sys::DynamicLibrary library = TRY(sys::DynamicLibrary::open("libcurl.so.4"));
  Curl table{};
  TRY(library.bind(table.global_init, "curl_global_init"));
  TRY(library.bind(table.easy_init, "curl_easy_init"));
  TRY(library.bind(table.easy_reset, "curl_easy_reset"));
  TRY(library.bind(table.easy_cleanup, "curl_easy_cleanup"));
  TRY(library.bind(table.easy_setopt, "curl_easy_setopt"));
  TRY(library.bind(table.easy_getinfo, "curl_easy_getinfo"));
  TRY(library.bind(table.easy_perform, "curl_easy_perform"));
  TRY(library.bind(table.easy_strerror, "curl_easy_strerror"));
  TRY(library.bind(table.slist_append, "curl_slist_append"));
  TRY(library.bind(table.slist_free_all, "curl_slist_free_all"));
  TRY(library.bind(table.url, "curl_url"));
  TRY(library.bind(table.url_set, "curl_url_set"));
  TRY(library.bind(table.url_get, "curl_url_get"));
  TRY(library.bind(table.url_cleanup, "curl_url_cleanup"));
  TRY(library.bind(table.url_strerror, "curl_url_strerror"));
  TRY(library.bind(table.free, "curl_free"));
  const CURLcode started = table.global_init(CURL_GLOBAL_ALL);
  if (started != CURLE_OK) return error(Kind::unsupported, "starting libcurl: ", table.easy_strerror(started));
  return table;
}

}  // namespace

Result<const Curl*> load_curl() {
  static const Result<Curl> table = load();
  if (!table) return error(table.error().kind(), table.error().sentence(), " (pulling needs libcurl 7.85 or later)");
  return &*table;
}

}  // namespace tank::image
