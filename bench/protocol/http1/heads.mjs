// The heads that the HTTP/1 benchmarks read: wrk's, a browser's, and that of a small POST.

/** What `wrk` sends: 40 bytes, one field. */
export const WRK = Buffer.from("GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n");

/** What a browser sends: about 700 bytes, 12 fields. */
export const BROWSER = Buffer.from(
  [
    "GET /some/path/to/page?x=1 HTTP/1.1",
    "Host: www.example.com",
    "Connection: keep-alive",
    'sec-ch-ua: "Chromium";v="130", "Not?A_Brand";v="99", "Google Chrome";v="130"',
    "sec-ch-ua-mobile: ?0",
    'sec-ch-ua-platform: "Linux"',
    "Upgrade-Insecure-Requests: 1",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Sec-Fetch-Site: none",
    "Accept-Encoding: gzip, deflate, br",
    "Accept-Language: en-US,en;q=0.9,de;q=0.8",
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark; consent=01234567890123456789012345678901234567890",
    "",
    "",
  ].join("\r\n"),
);

/** A form of twelve bytes. */
export const POST = Buffer.from(
  "POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\nhello world!",
);
