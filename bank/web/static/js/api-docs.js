/* Starts Swagger UI on the page of the API; the address of the description comes from the page. */
window.addEventListener("DOMContentLoaded", function () {
  "use strict";
  const place = document.getElementById("swagger-ui");
  window.SwaggerUIBundle({
    domNode: place,
    url: place.dataset.specUrl,
    // The public validator would send the description to another site.
    validatorUrl: null,
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
  });
});
