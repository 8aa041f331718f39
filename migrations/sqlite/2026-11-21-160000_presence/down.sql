DROP TABLE presence_seats;
DROP TABLE presence_gateways;
DROP TABLE presence;
