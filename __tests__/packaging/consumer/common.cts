import express = require('express');
import portcullis = require('portcullis');

const app = express();
app.get('/', portcullis.exposeTls(), (req, res) => {
  res.json(req.tls?.protocol);
});
const server: portcullis.PortcullisServer = portcullis.createServer(app);
export = server;
