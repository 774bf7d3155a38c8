"""A Django project in one file: forms, uploads, streams, sessions, static files."""

import hashlib
import os

import django
from django.conf import settings
from django.contrib.staticfiles.views import serve
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.middleware.csrf import get_token
from django.urls import path, reverse

settings.configure(
    DEBUG=True,
    SECRET_KEY="a secret of Django's own",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["django.contrib.staticfiles"],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
    ],
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
    STATIC_URL="/static/",
    STATICFILES_DIRS=[os.path.join(os.path.dirname(os.path.abspath(__file__)), "static")],
    FILE_UPLOAD_MAX_MEMORY_SIZE=100_000,
    LOGGING_CONFIG=None,
)
django.setup()


def index(request):
    return HttpResponse("Hello from Django")


def token(request):
    return HttpResponse(get_token(request))


def form(request):
    return JsonResponse({"name": request.POST["name"], "several": request.POST.getlist("several"), "query": request.GET.get("q")})


def upload(request):
    digest = hashlib.sha256()
    file = request.FILES["file"]
    for piece in file.chunks():
        digest.update(piece)
    return JsonResponse({"name": file.name, "size": file.size, "digest": digest.hexdigest()})


def stream(request):
    return StreamingHttpResponse(("%s %d\n" % (request.GET["word"], number) for number in range(3)), content_type="text/plain")


def count(request):
    request.session["count"] = request.session.get("count", 0) + 1
    return HttpResponse(str(request.session["count"]))


def link(request):
    response = HttpResponse(status=302)
    response["Location"] = reverse("index")
    return response


urlpatterns = [
    path("", index, name="index"),
    path("token", token),
    path("form", form),
    path("upload", upload),
    path("stream", stream),
    path("count", count),
    path("link", link),
    path("static/<path:path>", serve),
]

application = get_wsgi_application()
