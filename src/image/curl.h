// libcurl as a table of functions, loaded at the first pull. It brings some thirty libraries along, which starting a
// cached image must not pay for; so nothing links it (docs/decisions/static-libraries.md).
#pragma once

#include <curl/curl.h>

#include "tank/result.h"

namespace tank::image {

struct Curl {
  decltype(&curl_global_init) global_init;
  decltype(&curl_easy_init) easy_init;
  decltype(&curl_easy_reset) easy_reset;
  decltype(&curl_easy_cleanup) easy_cleanup;
  decltype(&curl_easy_setopt) easy_setopt;
  decltype(&curl_easy_getinfo) easy_getinfo;
  decltype(&curl_easy_perform) easy_perform;
  decltype(&curl_easy_strerror) easy_strerror;
  decltype(&curl_slist_append) slist_append;
  decltype(&curl_slist_free_all) slist_free_all;
  decltype(&curl_url) url;
  decltype(&curl_url_set) url_set;
  decltype(&curl_url_get) url_get;
  decltype(&curl_url_cleanup) url_cleanup;
  decltype(&curl_url_strerror) url_strerror;
  decltype(&curl_free) free;
};

/// The one table of the process, loaded by whoever asks first; safe from any thread. Kind::unsupported when libcurl is
/// not installed or too old.
Result<const Curl*> load_curl();

}  // namespace tank::image
