/* Starts Swagger UI on the page of the API; the address of the description comes from the page. */
window.addEventListener("DOMContentLoaded", function () {
  "use strict";
  const place = document.getElementById("swagger-ui");

  // Swagger's own layout brings a second <main>, a second title and a list of one server.
  function bankLayout(system) {
    const make = system.React.createElement;
    function part(name, connected) { return make(system.getComponent(name, connected)); }
    return {
      components: {
        BankLayout: function () {
          if (system.specSelectors.loadingStatus() !== "success") {
            return make("p", null, place.dataset[system.specSelectors.loadingStatus() === "failed" ? "failed" : "loading"]);
          }
          // Swagger UI speaks English only.
          return make("div", { className: "swagger-ui", lang: "en" }, part("SvgAssets"), part("AuthorizeBtnContainer", true), part("operations", true), part("Models", true));
        },
        CloseIcon: function () { return make("span", null, "Close"); },
      },
    };
  }

  window.SwaggerUIBundle({
    domNode: place,
    url: place.dataset.specUrl,
    plugins: [bankLayout],
    layout: "BankLayout",
    // The public validator would send the description to another site.
    validatorUrl: null,
    // Deep links are put inside buttons, where neither can be used with a keyboard.
    deepLinking: false,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
  });
});
